//! Promises of the embedded store alone.
