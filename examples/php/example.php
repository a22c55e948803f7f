<?php

declare(strict_types=1);

/*
 * Lists services, places one order and follows it to its end.
 *
 *     PANEL_URL=https://panel.example/api/v2 PANEL_KEY=your-key php example.php [service] [link] [quantity]
 *
 * Without arguments nothing is ordered: it shows the balance and the first services.
 */

require __DIR__ . '/panelworks.php';

$url = getenv('PANEL_URL');
$key = getenv('PANEL_KEY');
if (!$url || !$key) {
    fwrite(STDERR, "Set PANEL_URL and PANEL_KEY first.\n");
    exit(2);
}

$panel = new Panelworks($url, $key);

try {
    $balance = $panel->balance();
    echo "Balance: {$balance['balance']} {$balance['currency']}\n\n";

    foreach (array_slice($panel->services(), 0, 10) as $service) {
        printf("%6d  %-40s %-24s %s\n", $service['service'], $service['name'], $service['type'], $service['rate']);
    }

    if ($argc < 4) {
        exit(0);
    }

    $order = $panel->add((int) $argv[1], [
        'link' => $argv[2],
        'quantity' => (int) $argv[3],
        'request_id' => bin2hex(random_bytes(16)),
    ]);
    echo "\nOrder $order placed.\n";

    do {
        sleep(2);
        $status = $panel->status($order);
        echo "{$status['status']}: {$status['remains']} to go, charged {$status['charge']} {$status['currency']}\n";
    } while (!in_array($status['status'], ['Completed', 'Partial', 'Canceled'], true));
} catch (PanelworksError $refused) {
    fwrite(STDERR, "The panel refused: {$refused->getMessage()}\n");
    exit(1);
} catch (PanelworksUnreachable $silence) {
    fwrite(STDERR, "No answer: {$silence->getMessage()}\n");
    exit(1);
}
