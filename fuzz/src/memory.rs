//! Memory in proportion: a reader may hold so many bytes for each byte of its input, and no more.

/// Bytes any reader may hold whatever it is given: tables of fixed size, and the smallest buffers.
const FLOOR: u64 = 16 * 1024;

/// Runs a reader of `input` bytes; panics if it ever held more than [`FLOOR`] and `per_byte` for each of them.
pub(crate) fn bounded<T>(input: usize, per_byte: u64, read: impl FnOnce() -> T) -> T {
    let mut made = None;
    let used = allocation_counter::measure(|| made = Some(read()));
    let most = FLOOR + per_byte * u64::try_from(input).expect("inputs fit the address space");
    assert!(
        used.bytes_max <= most,
        "{} bytes held for an input of {input}: more than {most}",
        used.bytes_max
    );
    made.expect("the reader was run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_in_proportion_passes() {
        let read = bounded(1_000, 2, || vec![0_u8; 2_000]);
        assert_eq!(read.len(), 2_000);
    }

    #[test]
    #[should_panic(expected = "bytes held for an input of 1000")]
    fn a_reader_out_of_proportion_is_seen_even_if_it_gives_the_memory_back() {
        bounded(1_000, 2, || drop(std::hint::black_box(vec![0_u8; 30_000])));
    }
}
