<?php

declare(strict_types=1);

/*
 * Drives a running panel through examples/php and checks what an old PHP client relies on.
 *
 *     php client_test.php READY_FILE
 *
 * In: the ready file of a running panel. Out: one line per check, `ok …` or `FAIL …`; exit code 1 on any
 * failure. Orders are placed on random links, so several of these programs can run against one panel at the
 * same time. The rules are api-v2.md's; section numbers stand beside the checks. CLIENT_TEST_WAIT is the
 * longest wait for orders to end, in seconds (default 240).
 */

require __DIR__ . '/expect.php';
require __DIR__ . '/../../examples/php/panelworks.php';

// A notice would be a bug of the example: old installations print it into their answers.
set_error_handler(static function (int $level, string $text, string $file, int $line): bool {
    throw new ErrorException($text, 0, $level, $file, $line);
});

const SHARE = 0; // of three: PHP, Python and Node each refill their own third of the refillable orders

/** §3: the list, its types and its words. Returns the rows by id, as the client gives them. */
function check_services(Panelworks $panel): array
{
    $rows = ask(['action' => 'services']);
    check('services: a list of at least 40', is_array($rows) && count($rows) >= 40);
    $wrong = array_values(array_filter($rows, static fn ($row) => !service_is_strict($row)));
    check('services: every row has the exact fields and JSON types', $wrong === [], $wrong[0] ?? '');
    $offered = array_unique(array_column($rows, 'type'));
    $missing = array_diff(array_merge(ONE_CALL_TYPES, ['Subscriptions']), $offered);
    check('services: every type is offered', $missing === [], $missing);
    $unknown = array_diff($offered, ONE_CALL_TYPES, ['Subscriptions']);
    check('services: no type that nobody knows', $unknown === [], $unknown);
    return array_column($panel->services(), null, 'service');
}

function check_balance(): void
{
    $body = ask(['action' => 'balance']);
    check('balance: exactly balance and currency', fields($body) === ['balance', 'currency'], $body);
    check('balance: a decimal string', is_money($body->balance), $body);
    check('balance: an ISO currency code', preg_match('/^[A-Z]{3}$/D', $body->currency) === 1, $body);
}

/** One order of each type through the example client. Returns order id → [service, quantity]. */
function place_every_type(Panelworks $panel, array $services): array
{
    $placed = [];
    foreach (ONE_CALL_TYPES as $word) {
        $service = $services[Run::service($word)];
        [$parameters, $quantity] = parameters_of($word);
        $order = $panel->add($service['service'], $parameters);
        $placed[$order] = [$service, $quantity];
        $body = ask(['action' => 'status', 'order' => $order]);
        check("add $word: an id below 2^31 whose status is strict", $order > 0 && $order < 2 ** 31 && status_is_strict($body), $body);
        $ended = RANK[$body->status] === 3;
        check("add $word: charged for $quantity", $ended || micros($body->charge) === full_charge($service, $quantity), $body);
        $missing = array_key_last($parameters);
        unset($parameters[$missing]);
        $text = ['link' => 'Bad link'][$missing] ?? "Incorrect $missing";
        refused("add $word: without $missing", ['action' => 'add', 'service' => $service['service']] + $parameters, $text);
    }
    $service = $services[Run::service('no link')];
    $placed[$panel->add($service['service'], ['quantity' => 100])] = [$service, 100];
    check('add: a service without links asks for none', true);
    return $placed;
}

/** §4, §9: quantities, services, links, keys and actions that are refused, each with its text. */
function check_bad_input(Panelworks $panel, array $services): void
{
    $service = $services[Run::service('Default')];
    $base = ['action' => 'add', 'service' => $service['service'], 'link' => random_link()];
    foreach (['abc', '', '0', '-5', '1.5', '1e3', '1,000', 'null', 'undefined'] as $quantity) {
        refused("add: quantity '$quantity'", $base + ['quantity' => $quantity], 'Incorrect quantity');
    }
    $above = "Quantity more than maximum {$service['max']}";
    refused('add: quantity 2^63', $base + ['quantity' => '9223372036854775808'], 'Incorrect quantity', $above);
    refused('add: below min', $base + ['quantity' => 1], "Quantity less than minimal {$service['min']}");
    refused('add: above max', $base + ['quantity' => (int) $service['max'] + 1], $above);
    refused('add: quantity missing', $base, 'Incorrect quantity');
    foreach (['', 'abc', '0', '-1', (string) UNKNOWN_ID] as $unknown) {
        refused("add: service '$unknown'", ['service' => $unknown] + $base + ['quantity' => 100], 'Incorrect service ID');
    }
    foreach (['', '  ', 'undefined'] as $bad) {
        refused("add: link '$bad'", ['link' => $bad] + $base + ['quantity' => 100], 'Bad link');
    }
    refused('an unknown action', ['action' => 'dance'], 'Incorrect request');
    refused('no action', [], 'Incorrect request');
    foreach (['', 'wrong', str_repeat('0', 32)] as $key) {
        refused("key '$key'", ['key' => $key, 'action' => 'balance'], 'Invalid API key');
    }
    try {
        (new Panelworks(Run::$ready['api_url'], 'wrong'))->balance();
        check('client: a refusal is thrown', false);
    } catch (PanelworksError $refusal) {
        check('client: a refusal is thrown', $refusal->getMessage() === 'Invalid API key', $refusal->getMessage());
    }
}

/** §4: the duplicate guard and the idempotency key. */
function check_guards(Panelworks $panel, array $services): array
{
    $service = $services[Run::service('Default')];
    $mine = ['link' => random_link(), 'quantity' => 100, 'request_id' => bin2hex(random_bytes(16))];
    $order = $panel->add($service['service'], $mine);
    check('add: the same request_id answers the same order', $panel->add($service['service'], $mine) === $order);
    $again = ['action' => 'add', 'service' => $service['service']];
    refused('add: the same request_id with other parameters', $again + ['quantity' => 200] + $mine, 'Idempotency key was used with other parameters');
    refused('add: the same link again', $again + ['request_id' => ''] + $mine, DUPLICATE);
    return [$order => [$service, 100]];
}

/** §5: an object keyed by the id as sent, never an array. */
function check_multi_status(array $placed): void
{
    [$one, $two] = array_keys($placed);
    $body = ask(['action' => 'status', 'orders' => "$one, $two,,$one," . UNKNOWN_ID . ',x1']);
    $keys = fields($body);
    $expected = [(string) $one, (string) $two, (string) UNKNOWN_ID, 'x1'];
    sort($keys, SORT_STRING);
    sort($expected, SORT_STRING);
    check('multi status: an object with one key per id as sent', $keys === $expected, $body);
    check('multi status: rows are the single answer', status_is_strict($body->{$one}) && status_is_strict($body->{$two}), $body);
    $error = ['error' => 'Incorrect order ID'];
    check('multi status: unknown ids are errors of their own', (array) $body->{UNKNOWN_ID} === $error && (array) $body->{'x1'} === $error, $body);
    check('multi status: an object for a single id, too', fields(ask(['action' => 'status', 'orders' => $one])) === [(string) $one]);
    $form = http_build_query(['key' => Run::key(), 'action' => 'status', 'orders' => ',']);
    $raw = send(Run::$ready['api_url'], [CURLOPT_POSTFIELDS => $form])['body'];
    check('multi status: never an array', strpos($raw, '{') === 0, $raw);
    $many = ask(['action' => 'status', 'orders' => implode(',', range(UNKNOWN_ID, UNKNOWN_ID + 100))]);
    check('multi status: ids beyond the hundredth are left out', count(get_object_vars($many)) === 100);
    foreach (['', '0', '-1', '1.5', 'abc', (string) UNKNOWN_ID] as $unknown) {
        refused("status: order '$unknown'", ['action' => 'status', 'order' => $unknown], 'Incorrect order ID');
    }
    refused("status: somebody else's order", ['key' => Run::key(1), 'action' => 'status', 'order' => $one], 'Incorrect order ID');
}

/** §6: single ids are strings, ids in rows are ints, rows come in request order. */
function check_refills(Panelworks $panel, array $placed): void
{
    $mine = array_values(array_filter(Run::$ready['refillable_orders'], static fn (int $order) => $order % 3 === SHARE));
    shuffle($mine);
    do {
        $order = array_shift($mine);
        $body = ask(['action' => 'refill', 'order' => $order]);
    } while (isset($body->error) && $mine); // an earlier run may have used some of them up
    check('refill: exactly {refill: string of digits}', fields($body) === ['refill'] && is_digits($body->refill), $body);
    refused('refill: again while one is open', ['action' => 'refill', 'order' => $order],
        'The refill task is not completed for this order',
        'The order was completed or refill was requested less than 24 hours ago');
    $words = ['Pending', 'In progress', 'Completed', 'Rejected', 'Error'];
    $word = $panel->refillStatus((int) ($body->refill ?? 0));
    check('refill_status: a known word', in_array($word, $words, true), $word);

    $batch = array_merge([UNKNOWN_ID], array_slice($mine, 0, 5));
    $rows = ask(['action' => 'refill', 'orders' => implode(',', $batch)]);
    check('multi refill: an array in request order', is_array($rows) && array_column($rows, 'order') === $batch, $rows);
    $unknown = json_encode(['order' => UNKNOWN_ID, 'refill' => ['error' => 'Incorrect order ID']]);
    check('multi refill: an unknown order is an error row', json_encode($rows[0]) === $unknown, $rows[0]);
    $taken = array_values(array_filter(array_column($rows, 'refill'), 'is_int'));
    check('multi refill: ids are ints', count($taken) > 0, $rows);
    $states = $panel->multiRefillStatus(array_merge($taken, [UNKNOWN_ID]));
    check('multi refill_status: rows in request order', array_column($states, 'refill') === array_merge($taken, [UNKNOWN_ID]), $states);
    $last = array_pop($states);
    check('multi refill_status: an unknown refill is an error row', $last === ['refill' => UNKNOWN_ID, 'status' => ['error' => 'Refill not found']], $last);
    check('multi refill_status: words', array_diff(array_column($states, 'status'), $words) === [], $states);
    refused('refill: an unknown order', ['action' => 'refill', 'order' => UNKNOWN_ID], 'Incorrect order ID');
    refused('refill_status: an unknown refill', ['action' => 'refill_status', 'refill' => UNKNOWN_ID], 'Refill not found');
    foreach ($placed as $off => [$service]) {
        if (!$service['refill']) {
            refused('refill: a service without refill', ['action' => 'refill', 'order' => $off], 'Refill is disabled for this service');
            break;
        }
    }
}

/** §7: always an array, ids from 1000, the repeated request, the request's own status. Returns order → cancel. */
function check_cancels(Panelworks $panel, array &$placed, array $services): array
{
    $service = $services[Run::service('cancelable')];
    $order = $panel->add($service['service'], ['link' => random_link(), 'quantity' => 100]);
    $placed[$order] = [$service, 100];
    $rows = ask(['action' => 'cancel', 'orders' => UNKNOWN_ID . ",$order"]);
    check('cancel: an array in request order', is_array($rows) && array_column($rows, 'order') === [UNKNOWN_ID, $order], $rows);
    check('cancel: an unknown id has no type', fields($rows[0]) === ['cancel', 'order'] && (array) $rows[0]->cancel === ['error' => 'Incorrect order ID'], $rows[0]);
    check('cancel: a row has order, type and an id from 1000', fields($rows[1]) === ['cancel', 'order', 'type']
        && $rows[1]->type === 'order' && is_int($rows[1]->cancel) && $rows[1]->cancel >= 1000, $rows[1]);
    $cancel = $rows[1]->cancel;
    $again = $panel->cancel([$order])[0];
    check('cancel: sent earlier', $again['cancel'] === ['error' => 'Cancellation request was sent earlier'] && $again['type'] === 'order', $again);
    $states = $panel->cancelStatus([$cancel, UNKNOWN_ID]);
    check('cancel status: a row with its word', $states[0]['cancel'] === $cancel
        && in_array($states[0]['status'], ['Pending', 'Completed', 'Rejected'], true), $states);
    check('cancel status: an unknown cancel is an error row', $states[1] === ['cancel' => UNKNOWN_ID, 'status' => ['error' => 'Cancel not found']], $states);
    refused('cancel_status: an unknown cancel', ['action' => 'cancel_status', 'cancel' => UNKNOWN_ID], 'Cancel not found');
    $rows = ask(['action' => 'cancel', 'orders' => implode(',', range(UNKNOWN_ID, UNKNOWN_ID + 100))]);
    check('cancel: the 101st id is an error row', count($rows) === 101 && (array) $rows[100]->cancel === ['error' => 'Maximum 100 IDs per request']);
    return [$order => $cancel];
}

/** §5: runs and orders on top of the five fields; all runs are charged at once. */
function check_dripfeed(Panelworks $panel, array $services): void
{
    $service = $services[Run::service('dripfeed')];
    $base = ['action' => 'add', 'service' => $service['service'], 'link' => random_link(), 'quantity' => 100];
    refused('drip-feed: runs without interval', $base + ['runs' => 2], 'Incorrect interval');
    refused('drip-feed: runs that are no number', $base + ['runs' => 'two', 'interval' => 5], 'Incorrect runs');
    $order = $panel->add($service['service'], ['link' => random_link(), 'quantity' => 100, 'runs' => 10, 'interval' => 60]);
    $body = ask(['action' => 'status', 'order' => $order]);
    check('drip-feed: the five fields, runs and orders', status_is_strict($body, ['runs', 'orders']) && is_digits($body->runs) && is_array($body->orders), $body);
    check('drip-feed: all runs are charged at once', micros($body->charge) === full_charge($service, 1000), $body);
    $runs = wait_for(static fn () => $panel->status($order)['orders']);
    $child = $runs ? ask(['action' => 'status', 'order' => $runs[0]]) : null;
    check('drip-feed: the first run is an order of its own', status_is_strict($child), $child);
    if ($service['cancel']) {
        $row = $panel->cancel([$order])[0];
        check('drip-feed: cancelled as a dripfeed', ($row['type'] ?? '') === 'dripfeed' && is_int($row['cancel']), $row);
    }
    $plain = $panel->status($panel->add($service['service'], ['link' => random_link(), 'quantity' => 100, 'runs' => 1, 'interval' => '']));
    check('drip-feed: one run is a plain order', !isset($plain['runs']), $plain);
}

function check_subscription(Panelworks $panel, array $services): void
{
    $service = $services[Run::service('Subscriptions')];
    $order = $panel->add($service['service'], ['username' => bin2hex(random_bytes(8)), 'min' => 10, 'max' => 20, 'posts' => 2, 'delay' => 0, 'expiry' => '']);
    $body = ask(['action' => 'status', 'order' => $order]);
    check('subscription: the five fields, posts, expiry and orders', status_is_strict($body, ['posts', 'expiry', 'orders']), $body);
    check('subscription: their types', is_digits($body->posts) && $body->expiry === null && is_array($body->orders), $body);
    if ($service['cancel']) {
        $row = $panel->cancel([$order])[0];
        check('subscription: cancelled as a subscription', ($row['type'] ?? '') === 'subscription', $row);
    }
}

/** §1, §2: the ways PHP programs send; always JSON, always 200, never a redirect. */
function check_transport(array $placed): void
{
    $url = Run::$ready['api_url'];
    $asked = ['key' => Run::key(), 'action' => 'status', 'order' => (string) array_key_first($placed)];
    $form = http_build_query($asked);
    $json = json_encode($asked);
    $keyless = http_build_query(['action' => 'status', 'order' => $asked['order']]);
    $ways = [
        'a form' => [$url, [CURLOPT_POSTFIELDS => $form]],
        'an array, which curl sends as multipart' => [$url, [CURLOPT_POSTFIELDS => $asked]],
        'JSON' => [$url, [CURLOPT_POSTFIELDS => $json, CURLOPT_HTTPHEADER => ['Content-Type: application/json']]],
        'JSON in capitals with a charset' => [$url, [CURLOPT_POSTFIELDS => $json, CURLOPT_HTTPHEADER => ['Content-Type: Application/JSON; Charset="utf-8"']]],
        'JSON under a form\'s content type' => [$url, [CURLOPT_POSTFIELDS => $json]],
        'GET' => ["$url?$form", []],
        'POST with a query and no body' => ["$url?$form", [CURLOPT_POST => true, CURLOPT_POSTFIELDS => '']],
        'a trailing slash' => ["$url/", [CURLOPT_POSTFIELDS => $form]],
        'Authorization: Bearer' => [$url, [CURLOPT_POSTFIELDS => $keyless, CURLOPT_HTTPHEADER => ['Authorization: Bearer ' . Run::key()]]],
        'HTTP/1.0' => [$url, [CURLOPT_POSTFIELDS => $form, CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_0]],
    ];
    foreach ($ways as $how => [$where, $options]) {
        $reply = send($where, $options);
        check("transport: $how", $reply['status'] === 200 && $reply['type'] === 'application/json' && status_is_strict(json_decode($reply['body'])), $reply);
    }
    $body = ask(['action' => 'status', 'orders' => [$asked['order'], UNKNOWN_ID]]); // becomes orders[0]=…&orders[1]=…
    check('transport: orders[0] and orders[1] in a form', count(get_object_vars($body)) === 2, $body);
}

/** Every order reaches an end, only ever moves forward, and its charge is what was delivered. */
function follow_to_the_end(Panelworks $panel, array $placed): void
{
    $seen = array_fill_keys(array_keys($placed), 'Pending');
    $backward = [];
    $ended = wait_for(static function () use ($panel, &$seen, &$backward): bool {
        foreach ($panel->multiStatus(array_keys($seen)) as $order => $body) {
            if ((RANK[$body['status']] ?? -1) < RANK[$seen[$order]]) {
                $backward[] = [$order, $seen[$order], $body['status']];
            }
            $seen[$order] = $body['status'];
        }
        return array_diff($seen, ['Completed', 'Partial', 'Canceled']) === [];
    });
    check('orders: all reach an end', $ended, $seen);
    check('orders: none goes backward or says an unknown word', $backward === [], $backward);
    foreach ($panel->multiStatus(array_keys($placed)) as $order => $body) {
        [$service, $quantity] = $placed[$order];
        check("order $order ({$service['type']}): {$body['status']} is charged as delivered", charge_is_right($body, $service, $quantity), [$body, $service, $quantity]);
    }
}

/** A carried-out cancel ends its order as Canceled or Partial; a rejected one as Completed. */
function check_cancel_ends(Panelworks $panel, array $cancels): void
{
    foreach ($cancels as $order => $cancel) {
        $word = $panel->cancelStatus([$cancel])[0]['status'];
        $end = $panel->status($order)['status'];
        $ends = ['Completed' => ['Canceled', 'Partial'], 'Rejected' => ['Completed']];
        check("cancel of $order: its word and the order's end agree", in_array($end, $ends[$word] ?? [], true), "$word $end");
    }
}

Run::$ready = json_decode(file_get_contents($argv[1]), true);
try {
    $panel = new Panelworks(Run::$ready['api_url'], Run::key());
    $services = check_services($panel);
    check_balance();
    $placed = place_every_type($panel, $services);
    check_bad_input($panel, $services);
    $placed += check_guards($panel, $services);
    check_multi_status($placed);
    check_transport($placed);
    check_refills($panel, $placed);
    $cancels = check_cancels($panel, $placed, $services);
    check_dripfeed($panel, $services);
    check_subscription($panel, $services);
    follow_to_the_end($panel, $placed);
    check_cancel_ends($panel, $cancels);
} catch (Throwable $surprise) {
    check('no surprise', false, get_class($surprise) . ': ' . $surprise->getMessage() . ' at ' . $surprise->getFile() . ':' . $surprise->getLine());
}
echo Run::$failed === 0 ? "all checks passed\n" : Run::$failed . " checks failed\n";
exit(Run::$failed === 0 ? 0 : 1);
