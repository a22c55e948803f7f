<?php
// One action of a panel script, in the usual style (README.md). The address of the database comes from php-fpm's
// configuration.
declare(strict_types=1);

function answer(array $what): void
{
    $body = json_encode($what);
    header('Content-Type: application/json');
    header('Content-Length: ' . strlen($body));
    echo $body;
    exit;
}

$db = new PDO($_SERVER['PEER_DSN'], 'panelworks', '', [
    PDO::ATTR_PERSISTENT => true,
    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
    PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
    PDO::ATTR_EMULATE_PREPARES => false,
]);

function row(PDO $db, string $sql, array $values): array|false
{
    $statement = $db->prepare($sql);
    $statement->execute($values);
    return $statement->fetch();
}

$user = row($db, "select id from peer.users where api_key = ? and status = 'active'", [$_POST['key'] ?? '']);
if (!$user) {
    answer(['error' => 'Invalid API key']);
}
if (($_POST['action'] ?? '') !== 'add') {
    answer(['error' => 'Incorrect request']);
}
$service = row($db, "select * from peer.services where id = ? and status = 'active'", [(int) ($_POST['service'] ?? 0)]);
if (!$service) {
    answer(['error' => 'Incorrect service ID']);
}
$link = trim($_POST['link'] ?? '');
if (!filter_var($link, FILTER_VALIDATE_URL)) {
    answer(['error' => 'Incorrect link']);
}
$quantity = (int) ($_POST['quantity'] ?? 0);
if ($quantity < $service['min'] || $quantity > $service['max']) {
    answer(['error' => 'Incorrect quantity']);
}
$open = row(
    $db,
    "select id from peer.orders where service_id = ? and link = ? and status in ('pending', 'processing', 'inprogress') limit 1",
    [$service['id'], $link]
);
if ($open) {
    answer(['error' => 'You have active order with this link. Please wait until order being completed.']);
}
$charge = bcdiv_money($service['rate'], $quantity);

$db->beginTransaction();
$account = row($db, 'select balance from peer.users where id = ? for update', [$user['id']]);
if ((float) $account['balance'] < (float) $charge) {
    $db->rollBack();
    answer(['error' => 'Not enough funds on balance']);
}
$order = row(
    $db,
    'insert into peer.orders (user_id, service_id, link, quantity, charge, remains) values (?, ?, ?, ?, ?, ?) returning id',
    [$user['id'], $service['id'], $link, $quantity, $charge, $quantity]
);
$after = row($db, 'update peer.users set balance = balance - ? where id = ? returning balance', [$charge, $user['id']]);
row(
    $db,
    'insert into peer.transactions (user_id, order_id, amount, balance) values (?, ?, ?, ?) returning id',
    [$user['id'], $order['id'], $charge, $after['balance']]
);
$db->commit();
answer(['order' => (int) $order['id']]);

function bcdiv_money(string $rate, int $quantity): string
{
    return number_format((float) $rate * $quantity / 1000, 6, '.', '');
}
