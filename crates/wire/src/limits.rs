//! Every bound of the protocol crate, with its unit and reason. None can be changed by configuration: they protect
//! the reader of bytes, not a policy.

/// Distinct ids answered in one batch (`orders`, `refills`, `cancels`); api-v2.md rule 9.
pub const BATCH_IDS: usize = 100;

/// Pieces kept of an id list. Far above [`BATCH_IDS`], so that each surplus id still gets its error row, and low
/// enough that a body full of commas can't become an answer of many megabytes.
pub const ASKED_PIECES: usize = 10_000;

/// Bytes of a request body that are looked at; api-v2.md §12 demands at least 1 MiB for long comment lists.
pub const REQUEST_BYTES: usize = 2 * 1024 * 1024;

/// Characters of an API key; imported keys may be longer than ours (api-v2.md §2).
pub const KEY_CHARS: usize = 128;

/// Bytes of an idempotency key (domain.md, Orders).
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;

/// Characters of a one-line text such as `link`; api-v2.md §12 demands at least 2048.
pub const TEXT_CHARS: usize = 4096;

/// Parts of a multipart body; the protocol has about forty parameters, lists may repeat one.
pub const MULTIPART_PARTS: usize = 2_000;

/// Bytes of one multipart part's headers.
pub const MULTIPART_HEADER_BYTES: usize = 4 * 1024;

/// Characters of a multipart boundary (RFC 2046).
pub const MULTIPART_BOUNDARY_BYTES: usize = 70;

/// Bytes of a provider's answer to anything but `services` (invariants.md B4).
pub const ANSWER_BYTES: usize = 1024 * 1024;

/// Bytes of a provider's answer to `services` (invariants.md B4).
pub const SERVICES_BYTES: usize = 32 * 1024 * 1024;

/// Places where JSON is tried to begin after a PHP notice; a notice may itself hold a bracket.
pub const NOTICE_ATTEMPTS: usize = 16;

/// Characters of an id a provider gave out (api-v2.md §12).
pub const PROVIDER_ID_CHARS: usize = 128;

/// Characters kept of a provider's error text (invariants.md B21).
pub const PROVIDER_TEXT_CHARS: usize = 500;

/// Characters of a money text; the longest sane amount has a third of that.
pub const MONEY_CHARS: usize = 64;
