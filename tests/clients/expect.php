<?php

declare(strict_types=1);

/*
 * What client_test.php expects: the ready file, a check's line, and how an answer's shape is judged.
 *
 * In: the ready file named on the command line. Shapes are judged on raw bodies decoded into objects, because
 * PHP's associative arrays can't tell {} from []. The rules are api-v2.md's.
 */

const UNKNOWN_ID = 2000000000;
const DUPLICATE = 'You have active order with this link. Please wait until order being completed.';
const ORDER_FIELDS = ['charge', 'currency', 'remains', 'start_count', 'status'];
const SERVICE_FIELDS = ['cancel', 'category', 'dripfeed', 'max', 'min', 'name', 'rate', 'refill', 'service', 'type'];
const RANK = ['Pending' => 0, 'Processing' => 1, 'In progress' => 2, 'Completed' => 3, 'Partial' => 3, 'Canceled' => 3];
const MONEY = '/^-?\d+\.\d\d(\d{0,3}[1-9])?$/D';
const ONE_CALL_TYPES = [
    'Default', 'SEO', 'Custom Comments', 'Mentions with Hashtags', 'Mentions Custom List', 'Mentions Hashtag',
    'Mentions User Followers', 'Mentions Media Likers', 'Mentions', 'Package', 'Custom Comments Package',
    'Comment Likes', 'Poll', 'Comment Replies', 'Invites from Groups', 'Web Traffic',
];

/** The running panel as its ready file describes it, and the count of what went wrong. */
final class Run
{
    public static array $ready;
    public static int $failed = 0;

    public static function key(int $customer = 0): string
    {
        return self::$ready['customers'][$customer]['api_key'];
    }

    public static function service(string $word): int
    {
        return self::$ready['services'][$word];
    }
}

/** One line per check; what was seen is shown only when it was wrong. */
function check(string $promise, bool $holds, $seen = ''): void
{
    if ($holds) {
        echo "ok $promise\n";
        return;
    }
    Run::$failed++;
    $shown = is_string($seen) ? $seen : json_encode($seen);
    echo "FAIL $promise: " . substr($shown, 0, 300) . "\n";
}

/**
 * One request by curl, as PHP programs send it: an array is multipart, a string a form.
 *
 * @return array{status: int, type: string, body: string}
 */
function send(string $url, array $options): array
{
    $request = curl_init($url);
    curl_setopt_array($request, $options + [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 30]);
    $body = curl_exec($request);
    return [
        'status' => curl_getinfo($request, CURLINFO_RESPONSE_CODE),
        'type' => (string) curl_getinfo($request, CURLINFO_CONTENT_TYPE),
        'body' => is_string($body) ? $body : 'curl: ' . curl_error($request),
    ];
}

/** A form with the first customer's key, decoded into objects. */
function ask(array $fields)
{
    $form = http_build_query($fields + ['key' => Run::key()]);
    return json_decode(send(Run::$ready['api_url'], [CURLOPT_POSTFIELDS => $form])['body']);
}

/** The call is answered with HTTP 200 and exactly {"error": text}, one of the texts given. */
function refused(string $promise, array $fields, string ...$texts): void
{
    $form = http_build_query($fields + ['key' => Run::key()]);
    $reply = send(Run::$ready['api_url'], [CURLOPT_POSTFIELDS => $form]);
    $bodies = array_map(static fn (string $text) => ['error' => $text], $texts);
    $body = json_decode($reply['body'], true);
    check($promise, $reply['status'] === 200 && in_array($body, $bodies, true), "{$reply['status']} {$reply['body']}");
}

function random_link(): string
{
    return 'https://example.com/php/' . bin2hex(random_bytes(12));
}

/** The names of an object's fields, sorted; of anything else, none. */
function fields($body): array
{
    $names = is_object($body) ? array_keys(get_object_vars($body)) : [];
    sort($names);
    return array_map('strval', $names);
}

function is_digits($value): bool
{
    return is_string($value) && preg_match('/^\d+$/D', $value) === 1;
}

function is_money($value): bool
{
    return is_string($value) && preg_match(MONEY, $value) === 1;
}

/** A decimal string in millionths, as an integer. */
function micros(string $amount): int
{
    [$whole, $fraction] = explode('.', $amount) + [1 => ''];
    return (int) ($whole . str_pad($fraction, 6, '0'));
}

function ceiling(int $numerator, int $denominator): int
{
    return intdiv($numerator + $denominator - 1, $denominator);
}

/** In millionths: rate × quantity / 1000, rounded up; for packages the rate itself (§4). */
function full_charge(array $service, int $quantity): int
{
    $rate = micros($service['rate']);
    if (in_array($service['type'], ['Package', 'Custom Comments Package'], true)) {
        return $rate;
    }
    return $rate === 0 ? 0 : max(1, ceiling($rate * $quantity, 1000));
}

function service_is_strict($row): bool
{
    return fields($row) === SERVICE_FIELDS
        && is_int($row->service) && is_string($row->name) && is_string($row->type) && is_string($row->category)
        && is_money($row->rate) && is_digits($row->min) && is_digits($row->max)
        && is_bool($row->dripfeed) && is_bool($row->refill) && is_bool($row->cancel);
}

/** The five fields of every status answer, and whatever belongs to the order's kind (§5). */
function status_is_strict($body, array $more = []): bool
{
    $names = array_merge(ORDER_FIELDS, $more);
    sort($names);
    return fields($body) === $names
        && is_money($body->charge) && is_digits($body->start_count) && is_string($body->status)
        && is_digits($body->remains) && is_string($body->currency);
}

function charge_is_right(array $body, array $service, int $quantity): bool
{
    $full = full_charge($service, $quantity);
    $charge = micros($body['charge']);
    $remains = (int) $body['remains'];
    switch ($body['status']) {
        case 'Completed':
            return $charge === $full && $remains === 0;
        case 'Partial':
            return 0 < $remains && $remains <= $quantity
                && $charge === ceiling($full * ($quantity - $remains), $quantity);
        default:
            return $body['status'] === 'Canceled' && $charge === 0;
    }
}

/** What `add` needs for a type (§4), and the quantity that is charged. */
function parameters_of(string $word): array
{
    $lines = "first line\r\nsecond line\n\n  third line  \n";
    $plain = ['link' => random_link(), 'quantity' => 100];
    $link = ['link' => random_link()];
    $by_type = [
        'Default' => [$plain, 100],
        'SEO' => [$plain + ['keywords' => "one\r\ntwo"], 100],
        'Custom Comments' => [$link + ['comments' => $lines], 3],
        'Mentions with Hashtags' => [$plain + ['usernames' => "anna\nben", 'hashtags' => "#a\n#b"], 100],
        'Mentions Custom List' => [$link + ['usernames' => "anna\nben\ncleo"], 3],
        'Mentions Hashtag' => [$plain + ['hashtag' => 'spring'], 100],
        'Mentions User Followers' => [$plain + ['username' => 'https://example.com/anna'], 100],
        'Mentions Media Likers' => [$plain + ['media' => 'https://example.com/p/1'], 100],
        'Mentions' => [$plain + ['usernames' => "anna\nben"], 100],
        'Package' => [$link, 1],
        'Custom Comments Package' => [$link + ['comments' => $lines], 1],
        'Comment Likes' => [$plain + ['username' => 'anna'], 100],
        'Poll' => [$plain + ['answer_number' => '2'], 100],
        'Comment Replies' => [$link + ['comments' => $lines], 3],
        'Invites from Groups' => [$plain + ['groups' => "group one\ngroup two"], 100],
        'Web Traffic' => [
            $plain + ['country' => 'United States', 'device' => 4, 'type_of_traffic' => 2,
                'referring_url' => 'https://example.com/from'],
            100,
        ],
    ];
    return $by_type[$word];
}

/** Asks until the answer is true or the time is over; the last answer either way. */
function wait_for(callable $condition)
{
    $limit = microtime(true) + (float) (getenv('CLIENT_TEST_WAIT') ?: 240);
    while (!($answer = $condition()) && microtime(true) < $limit) {
        usleep(250000);
    }
    return $answer;
}
