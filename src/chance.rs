//! The only source of random numbers: unpredictable, unless a test has seeded this thread.

use rand::Rng;

#[cfg(test)]
use {rand::SeedableRng, rand::rngs::StdRng, std::cell::RefCell};

#[cfg(test)]
thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// Makes this thread draw from a seeded generator.
#[cfg(test)]
pub(crate) fn seed(seed: u64) {
    SEEDED.set(Some(StdRng::seed_from_u64(seed)));
}

#[cfg(test)]
fn seeded<T>(draw: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
    SEEDED.with_borrow_mut(|seeded| seeded.as_mut().map(draw))
}

/// 64 random bits.
pub(crate) fn next_u64() -> u64 {
    #[cfg(test)]
    if let Some(drawn) = seeded(StdRng::next_u64) {
        return drawn;
    }
    rand::rng().next_u64()
}

/// 32 random bits, unpredictable as RFC 6455 §10.3 asks for mask keys.
pub(crate) fn next_u32() -> u32 {
    #[cfg(test)]
    if let Some(drawn) = seeded(StdRng::next_u32) {
        return drawn;
    }
    rand::rng().next_u32()
}
