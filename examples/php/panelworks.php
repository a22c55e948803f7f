<?php

declare(strict_types=1);

/**
 * A client of API v2 in one file: PHP 7.4 or newer with ext-curl and ext-json, nothing to install.
 *
 * Copy this file into your project:
 *
 *     require 'panelworks.php';
 *     $panel = new Panelworks('https://panel.example/api/v2', 'your API key');
 *     $order = $panel->add(1, ['link' => 'https://example.com/page', 'quantity' => 100]);
 *
 * Amounts (rate, charge, balance) arrive as decimal strings. Keep them as strings, or compute with
 * bcmath: a float can't hold 0.27819 exactly.
 */
final class Panelworks
{
    private string $url;
    private string $key;
    private int $timeoutSeconds;

    public function __construct(string $url, string $key, int $timeoutSeconds = 30)
    {
        $this->url = $url;
        $this->key = $key;
        $this->timeoutSeconds = $timeoutSeconds;
    }

    /**
     * Every service you can order, each with its rate, limits and abilities.
     *
     * @return list<array<string, mixed>>
     */
    public function services(): array
    {
        return $this->call(['action' => 'services']);
    }

    /**
     * Places an order and returns its id. Which parameters are needed depends on the service's type.
     *
     * Give a `request_id` of your own (any text, once per order) and the call can be repeated safely
     * after a time-out: the same request_id never places a second order.
     *
     * @param array<string, scalar> $parameters such as link, quantity, comments, runs, interval
     */
    public function add(int $service, array $parameters): int
    {
        return (int) $this->call(['action' => 'add', 'service' => $service] + $parameters)['order'];
    }

    /**
     * How one order is doing: charge, start_count, status, remains, currency.
     *
     * @return array<string, mixed>
     */
    public function status(int $order): array
    {
        return $this->call(['action' => 'status', 'order' => $order]);
    }

    /**
     * How up to 100 orders are doing, by order id. An order that isn't yours has only an `error`.
     *
     * @param list<int> $orders
     * @return array<int, array<string, mixed>>
     */
    public function multiStatus(array $orders): array
    {
        return $this->call(['action' => 'status', 'orders' => implode(',', $orders)]);
    }

    /** Asks to refill a completed order that lost some of what was delivered; returns the refill's id. */
    public function refill(int $order): string
    {
        return (string) $this->call(['action' => 'refill', 'order' => $order])['refill'];
    }

    /**
     * Asks to refill up to 100 orders. Each row has the order and either a refill id or an `error`.
     *
     * @param list<int> $orders
     * @return list<array<string, mixed>>
     */
    public function multiRefill(array $orders): array
    {
        return $this->call(['action' => 'refill', 'orders' => implode(',', $orders)]);
    }

    /** Pending, In progress, Completed, Rejected or Error. */
    public function refillStatus(int $refill): string
    {
        return $this->call(['action' => 'refill_status', 'refill' => $refill])['status'];
    }

    /**
     * How up to 100 refills are doing. Each row has the refill and its status, or an `error` in its place.
     *
     * @param list<int> $refills
     * @return list<array<string, mixed>>
     */
    public function multiRefillStatus(array $refills): array
    {
        return $this->call(['action' => 'refill_status', 'refills' => implode(',', $refills)]);
    }

    /**
     * Asks to cancel up to 100 orders. Each row has the order, its type, and either the id of the cancel
     * request or an `error`. What was not delivered is refunded once the cancel is carried out.
     *
     * @param list<int> $orders
     * @return list<array<string, mixed>>
     */
    public function cancel(array $orders): array
    {
        return $this->call(['action' => 'cancel', 'orders' => implode(',', $orders)]);
    }

    /**
     * How up to 100 cancel requests are doing: Pending, Completed or Rejected in each row's status.
     *
     * @param list<int> $cancels
     * @return list<array<string, mixed>>
     */
    public function cancelStatus(array $cancels): array
    {
        return $this->call(['action' => 'cancel', 'cancels' => implode(',', $cancels)]);
    }

    /**
     * What is left on your account: balance and currency.
     *
     * @return array{balance: string, currency: string}
     */
    public function balance(): array
    {
        return $this->call(['action' => 'balance']);
    }

    /**
     * Sends one request and returns the decoded answer.
     *
     * @param array<string, scalar> $parameters the action and what belongs to it; the key is added here
     * @return array<int|string, mixed>
     * @throws PanelworksError when the panel refused: nothing was ordered
     * @throws PanelworksUnreachable when no answer could be read: the request may have been carried out
     */
    public function call(array $parameters): array
    {
        $answer = json_decode($this->post(['key' => $this->key] + $parameters), true);
        if (!is_array($answer)) {
            throw new PanelworksUnreachable('The answer is not JSON');
        }
        if (isset($answer['error']) && is_string($answer['error'])) {
            throw new PanelworksError($answer['error']);
        }
        return $answer;
    }

    /** @param array<string, scalar> $fields */
    private function post(array $fields): string
    {
        $request = curl_init($this->url);
        curl_setopt_array($request, [
            CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => http_build_query($fields),
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_CONNECTTIMEOUT => 10,
            CURLOPT_TIMEOUT => $this->timeoutSeconds,
            CURLOPT_USERAGENT => 'panelworks-php/1',
        ]);
        $body = curl_exec($request);
        if (!is_string($body)) {
            throw new PanelworksUnreachable(curl_error($request));
        }
        return $body;
    }
}

/** The panel refused; the message is its error text, such as "Not enough funds on balance". */
final class PanelworksError extends RuntimeException
{
}

/** No readable answer came. After `add`, look before you order again, or repeat with the same request_id. */
final class PanelworksUnreachable extends RuntimeException
{
}
