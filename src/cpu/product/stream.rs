//! Stores that go past the caches, where the processor has them.

/// Overwrites `words` with `value`. What is overwritten need not be read from memory first, as it must be for a cache.
#[cfg(target_arch = "x86_64")]
pub(crate) fn fill_past_caches(words: &mut [u32], value: u32) {
    use std::arch::x86_64::{__m128i, _mm_set1_epi32, _mm_sfence, _mm_stream_si128};
    // SAFETY: any bits are a vector of integers.
    #[expect(unsafe_code, reason = "words seen as vectors")]
    let (before, vectors, after) = unsafe { words.align_to_mut::<__m128i>() };
    before.fill(value);
    after.fill(value);
    // SAFETY: SSE2 is part of x86-64; each vector is exclusively borrowed and aligned, and the fence orders the stores
    // before whatever follows.
    #[expect(unsafe_code, reason = "safe Rust has no such store")]
    unsafe {
        let lanes = _mm_set1_epi32(value.cast_signed());
        vectors.iter_mut().for_each(|vector| _mm_stream_si128(vector, lanes));
        _mm_sfence();
    }
}

/// Overwrites `words` with `value`, as any store does.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn fill_past_caches(words: &mut [u32], value: u32) {
    words.fill(value);
}

#[cfg(test)]
mod tests {
    use super::fill_past_caches;

    #[test]
    fn all_words_are_filled() {
        for (first, end) in [(0, 0), (0, 64), (1, 63), (3, 5), (2, 50)] {
            let mut words = [0; 64];
            fill_past_caches(&mut words[first..end], 7);
            let expected: Vec<u32> = (0..64).map(|at| if (first..end).contains(&at) { 7 } else { 0 }).collect();
            assert_eq!(words[..], expected[..], "{first}..{end}");
        }
    }
}
