# The English texts of all pages. A translation is this file in another language: same names, same placeables.
# Inside a text `backticks` make code and [words](#anchor) make a link; nothing else is markup.

## Every page
skip = Skip to the content
nav-label = On this page
footer-software = Runs on Panelworks { $version }, free software under MIT or Apache-2.0.
footer-top = Back to the top

## Home: opening
home-title = { $panel } · API v2
home-description = Order social-media marketing services at { $panel } from your own program: one URL, one key, JSON answers.
home-heading = Order from your own program.
home-lead = { $panel } delivers followers, likes, comments, views and traffic to the links you name. Everything you can do by hand you can do over API v2: one URL, one key, answers in JSON. Software that already speaks API v2 works here unchanged.
home-first-send = You send
home-first-get = You get
home-start-reading = Read the reference
home-start-code = Get the code
fact-url = API URL
fact-method = HTTP method
fact-method-value = POST
fact-format = Response format
fact-format-value = JSON
fact-key = API key
fact-key-value = Comes with your account
fact-currency = Base currency

## Home: headings
part-basics = Basics
part-actions = Actions
part-types = Service types
part-words = Status words
part-errors = Errors
part-code = Code

## Home: basics
basics-lead = All requests go to one URL. What you want is the parameter `action`; who you are is the parameter `key`.
basics-send = Sending
basics-send-text = POST a form, a multipart form or a JSON object. A query string is read, too, on POST and on GET; where a parameter comes twice, the body wins. Prefer POST: addresses end up in logs, bodies don't. The URL works with and without a final slash and never redirects.
basics-key = Your key
basics-key-text = Send it as `key`, or as the header `Authorization: Bearer …` or `X-API-Key`. It is as good as money: keep it on your server, never in a web page or an app.
basics-answers = Answers
basics-answers-text = Always JSON with HTTP 200, also when a request is refused: look for `error` in the body, not at the number. The exceptions: 429 when you send too fast, and 503 with an empty body when an order's status can't be told right now. Ask again a little later; nothing has changed.
basics-money = Amounts
basics-money-text = `rate`, `charge` and `balance` are decimal strings such as `"0.27819"`. Count with decimals, not with floating point. `rate` is the price of 1000; for packages it is the price of the whole order.
basics-ids = IDs
basics-ids-text = Whole numbers from 1, below 2147483648. Where several are asked for, separate up to 100 by commas; JSON bodies may send an array. Somebody else's order answers like one that doesn't exist.
basics-lists = Lists in one parameter
basics-lists-text = `comments`, `usernames`, `hashtags`, `keywords` and `groups` hold one item per line (`\n` or `\r\n`). Empty lines don't count.
basics-repeat = Repeating safely
basics-repeat-text = When no answer arrives, you can't know whether the order was taken. Add a `request_id` of your own to each order and simply repeat the call: the same `request_id` never orders twice, it answers with the same order. The header `Idempotency-Key` does the same.
basics-optional = Leaving out
basics-optional-text = An optional parameter that is empty, `null` or `undefined` counts as not given. Parameters nobody knows are ignored.

## Home: actions
table-parameter = Parameter
table-description = Description
optional = (optional)
request-label = Request
answer-label = Example answer
answer-label-kind = Example answer: { $kind }
scrolls = { $what }, scrolls sideways
in-types = Parameters by service type

act-services = Service list
act-services-text = Everything you can order, in the panel's own order, at your own rates. The list changes when prices do: read it once in a while rather than before every order.
act-services-note-fields = `type` decides which parameters an order needs: see [Service types](#types). `dripfeed`, `refill` and `cancel` say what the service allows.
act-add = Add order
act-add-text = Places an order. The charge is taken from your balance at once; the answer is the order's id. What is asked for besides `service` depends on the service's type; this is the most common one, Default.
act-add-note-drip = With `runs` and `interval` the order becomes a drip-feed: `quantity` is delivered `runs` times, one run every `interval` minutes. All runs are charged at once, and one id stands for all of them.
act-add-note-linkless = A few services need no `link`; they don't ask for it.
act-status = Order status
act-status-text = How one order is doing. `charge` is what you have really paid so far: after a partial delivery the rest has already been returned.
act-status-plain = an order
act-status-drip = a drip-feed
act-status-subscription = a subscription
act-status-note-drip = A drip-feed adds `runs`, the runs made so far, and `orders`, their ids; a subscription adds `posts`, `expiry` and `orders`. Each of those ids can be asked for its own status.
act-multi-status = Multiple orders status
act-multi-status-text = How up to 100 orders are doing, in one object keyed by the ids you asked for. An id that isn't yours has an `error` in its place.
act-refill = Create refill
act-refill-text = Asks to top up a completed order that lost some of what was delivered. Free of charge, where the service offers it; at the earliest 24 hours after completion or after the last refill.
act-multi-refill = Create multiple refill
act-multi-refill-text = Asks for refills of up to 100 orders. The rows come in the order you asked.
act-refill-status = Get refill status
act-refill-status-text = How one refill is doing.
act-multi-refill-status = Get multiple refill status
act-multi-refill-status-text = How up to 100 refills are doing. The rows come in the order you asked.
act-cancel = Create cancel
act-cancel-text = Asks to cancel up to 100 orders. This is a request: an order that is already under way is cancelled only if it can still be stopped, and what was not delivered is then returned to your balance. `cancel` in the answer is the id of the request.
act-cancel-note-one = With `order` instead of `orders` the answer is a single object with `cancel`. Cancelling a drip-feed returns the runs not made; cancelling a subscription returns what is prepaid and unused.
act-cancel-status = Get multiple cancel status
act-cancel-status-text = How up to 100 cancel requests are doing. `action=cancel_status` is understood as well.
act-balance = User balance
act-balance-text = What is left on your account.

## Home: parameters
par-key = Your API key
par-action = The word `{ $word }`
par-service = Service ID
par-link = Link to page
par-quantity = Needed quantity
par-runs = Runs to deliver, up to 1000
par-interval = Minutes between runs
par-request-id = A text of your own that makes repeating safe, up to 255 bytes
par-order = Order ID
par-orders = Order IDs, separated by commas, up to 100
par-refill = Refill ID
par-refills = Refill IDs, separated by commas, up to 100
par-cancels = Cancel IDs, separated by commas, up to 100
par-comments = Comments, one per line
par-comments-reply = Replies, one per line
par-keywords = Keywords, one per line
par-usernames = User names, one per line
par-hashtags = Hashtags, one per line
par-hashtag = The hashtag whose users are mentioned
par-username-scrape = URL of the account whose followers are mentioned
par-media = URL of the post whose likers are mentioned
par-username-comment = User name of the comment's owner
par-username-reply = User name of the comment's owner
par-username-follow = User name or link of the account
par-answer-number = Number of the answer to vote for
par-groups = Groups, one per line
par-country = Country code or full name, such as `US` or `United States`
par-device = `1` desktop, `2` Android, `3` iOS, `4` mobile, `5` all
par-traffic = `1` Google keyword, `2` your own referrer, `3` none
par-google-keyword = The keyword; needed for traffic type `1`
par-referring-url = The referrer; needed for traffic type `2`
par-min = Lowest quantity of a post
par-max = Highest quantity of a post
par-posts = Number of new posts; empty means no end
par-old-posts = Number of posts that already exist
par-delay = Minutes to wait after a post, 0 to 1440
par-expiry = Last day, as `31/12/2030`; empty means never

## Home: service types
types-lead = `type` in the service list tells which parameters `add` asks for, besides `key`, `action` and `service`.
types-quantity = Quantity
types-price = Rate
types-price-thousand = per 1000
types-price-order = per order
types-quantity-given = as you send it
types-quantity-lines = the lines of `{ $list }`
types-quantity-one = 1, whatever you send
types-quantity-runs = as you send it, times `runs`
types-quantity-posts = drawn between `min` and `max` for each post
types-drip = Drip-feed
types-drip-text = Where a service of type Default or Web Traffic says `dripfeed`, send `runs` and `interval`, both or neither. Each run has at least the service's `min`, all runs together at most its `max`.
types-subscription = Subscriptions
types-subscription-text = Each new post of the account gets a quantity drawn between `min` and `max`. One post at a time is prepaid at its highest price; what it didn't need comes back when it is placed. When your balance can't cover the next post, the subscription waits for you.

## Home: status words
words-lead = These words are written exactly so, capitals included. An order only ever moves forward.
words-orders = Orders
words-subscriptions = Subscriptions
words-refills = Refills
words-cancels = Cancels
words-word = Word
words-meaning = What it means
word-pending = Accepted, not yet sent on
word-processing = Sent, waiting to start
word-in-progress = Being delivered; `remains` counts down
word-completed = All delivered
word-partial = Stopped early; the undelivered share is back on your balance
word-canceled = Stopped; the whole charge is back on your balance
word-active = Watching for new posts
word-sub-completed = All posts asked for were made
word-expired = Its last day has passed, 30 days went by without a post, or it was cancelled after posts were made
word-sub-canceled = Cancelled before any post was made
word-refill-pending = Taken, not yet passed on
word-refill-in-progress = Being delivered
word-refill-completed = Delivered
word-refill-rejected = Refused
word-refill-error = It failed; ask the operator
word-cancel-pending = Asked, not yet decided
word-cancel-completed = The order was stopped
word-cancel-rejected = It was too late, the order was delivered
words-life = The life of an order
words-ends = or

## Home: errors
errors-lead = A refused request has one field, `error`, and changed nothing: no order, no charge. The one exception stands last. In answers about several ids each id has an error of its own.
errors-text = Text
errors-when = When
errors-access = Key and request
errors-order = Adding an order
errors-follow = Orders, refills and cancels
errors-panel = The panel itself
err-key = No key, or one that isn't valid
err-suspended = Your account is suspended, or ordering is blocked on it
err-ip = Your key may not be used from this address
err-request = The action is missing or unknown, or the body can't be read
err-flood = Too many requests at once; wait a little (HTTP 429)
err-service = No such service, or it can't be ordered now
err-link = The link is missing or not accepted
err-quantity = The quantity is missing, no whole number, or not a multiple the service asks for
err-min = Below the service's `min`; the number is that minimum
err-max = Above the service's `max`; the number is that maximum
err-comments = No comment was sent
err-parameter = A parameter the type needs is missing or wrong; its name follows, such as `usernames` or `answer_number`
err-runs = `runs` is no number from 1 to 1000
err-interval = `interval` is missing or no number of minutes
err-drip = The service takes no `runs`
err-duplicate = You have an order under way at this service on the same link
err-funds = Your balance doesn't cover the charge
err-idempotency = The same `request_id` came with other parameters
err-order = No such order of yours
err-refill-off = The service has no refill
err-refill-incomplete = A refill needs a completed order
err-refill-early = Wait until 24 hours have passed
err-refill-open = A refill of this order is under way
err-refill-unavailable = Too long ago, or a drip-feed or subscription as a whole
err-refill-unknown = No such refill of yours
err-cancel-unavailable = The service can't be cancelled, or the order has ended
err-cancel-earlier = You asked before; follow that request
err-cancel-unknown = No such cancel request of yours
err-too-many = The 101st id and those after it; nothing was done for them
err-maintenance = Ordering is switched off for now; the operator may have written another text
err-unsure = Something broke and the outcome isn't known: look before you order again, or repeat with the same `request_id`

## Home: code
code-lead = Small clients to copy into your project, one file each, and beside each a program that shows how it is used. They work with any panel that speaks API v2.
code-download = Download { $file }
code-needs = Needs { $needs }
code-source = The client: { $file }
code-lines = { $lines ->
    [one] { $lines } line
   *[other] { $lines } lines
}
code-usage = How it is used: { $file }
code-run = Run it
needs-curl = a shell and curl
needs-php = PHP 7.4 or newer with ext-curl
needs-python = Python 3.8 or newer with requests
needs-node = Node 18 or newer, nothing else
