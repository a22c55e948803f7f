//! The fuzzer's program: libFuzzer's loop around the target that the variable `FUZZ_TARGET` names.
//!
//! In: libFuzzer's own flags and folders of inputs. Out: what libFuzzer says; a property that does not hold ends the
//! process and leaves the input behind. `cargo xtask fuzz` builds it with coverage, starts it and reads what it says.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use panelworks_fuzz::{Target, target};

static CHOSEN: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET={name}: there is no such target"))
});

fuzz_target!(|input: &[u8]| (CHOSEN.holds)(input));
