//! Slow signatures: they are made on another thread, while the template waits.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use super::{HashAlgorithm, Random, SignatureAlgorithm, Signer};

/// A signature to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureRequest {
    algorithm: SignatureAlgorithm,
    key: Box<[u8]>,
    data: Box<[u8]>,
}

/// Finished signatures, for templates that are rendered again because of them.
///
/// A template with slow signatures is rendered with a [`DeferringSigner`]. Missing signatures are
/// made elsewhere and added here, and the template is rendered again, for the same time. It is done
/// when nothing is missing.
#[derive(Clone, Default)]
pub struct Signatures(Vec<(SignatureRequest, Option<Vec<u8>>)>);

/// A signer that never blocks: it knows the slow signatures that were made before, and records the
/// missing ones.
pub struct DeferringSigner<'a> {
    signer: &'a dyn Signer,
    made: RefCell<&'a mut Signatures>,
    lacking: RefCell<Vec<SignatureRequest>>,
}

/// Random bytes that are the same each time a template is rendered: the earlier ones first, then
/// new ones.
pub struct Redrawn<'a> {
    source: &'a dyn Random,
    drawn: RefCell<&'a mut Vec<u8>>,
    at: Cell<usize>,
}

impl SignatureRequest {
    /// Makes the signature; `None`: the key is invalid for this algorithm.
    pub fn sign(&self, signer: &dyn Signer) -> Option<Vec<u8>> {
        signer.sign(self.algorithm, &self.key, &self.data)
    }

    fn is(&self, algorithm: SignatureAlgorithm, key: &[u8], data: &[u8]) -> bool {
        self.algorithm == algorithm && *self.key == *key && *self.data == *data
    }
}

impl Signatures {
    /// Adds the result of a request.
    pub fn add(&mut self, request: SignatureRequest, signature: Option<Vec<u8>>) {
        self.0.push((request, signature));
    }

    fn find(&self, algorithm: SignatureAlgorithm, key: &[u8], data: &[u8]) -> Option<&Made> {
        self.0
            .iter()
            .find(|(request, _)| request.is(algorithm, key, data))
            .map(|(_, made)| made)
    }
}

type Made = Option<Vec<u8>>;

impl<'a> DeferringSigner<'a> {
    /// `signer` does everything that is fast.
    pub fn new(signer: &'a dyn Signer, made: &'a mut Signatures) -> Self {
        Self {
            signer,
            made: RefCell::new(made),
            lacking: RefCell::default(),
        }
    }

    /// The missing signatures. While there are any, the rendered result must not be used.
    pub fn into_lacking(self) -> Vec<SignatureRequest> {
        self.lacking.into_inner()
    }
}

impl Signer for DeferringSigner<'_> {
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        self.signer.hash(algorithm, data)
    }

    fn hmac(&self, algorithm: HashAlgorithm, key: &[u8], data: &[u8]) -> Vec<u8> {
        self.signer.hmac(algorithm, key, data)
    }

    fn sign(&self, algorithm: SignatureAlgorithm, key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let mut made = self.made.borrow_mut();
        if let Some(made) = made.find(algorithm, key, data) {
            return made.clone();
        }
        let request = SignatureRequest {
            algorithm,
            key: key.into(),
            data: data.into(),
        };
        if algorithm.is_slow() {
            let mut lacking = self.lacking.borrow_mut();
            if !lacking.contains(&request) {
                lacking.push(request);
            }
            return None;
        }
        // A fast signature may differ each time, and data for a slow one may contain it.
        let signature = self.signer.sign(algorithm, key, data);
        made.add(request, signature.clone());
        signature
    }
}

impl<'a> Redrawn<'a> {
    /// Earlier bytes are in `drawn`, and new ones are added to it.
    pub fn new(source: &'a dyn Random, drawn: &'a mut Vec<u8>) -> Self {
        Self {
            source,
            drawn: RefCell::new(drawn),
            at: Cell::new(0),
        }
    }
}

impl Random for Redrawn<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        let mut drawn = self.drawn.borrow_mut();
        let (from, to) = (self.at.get(), self.at.get() + bytes.len());
        let known = drawn.len();
        if known < to {
            drawn.resize(to, 0);
            self.source.fill(&mut drawn[known..]);
        }
        bytes.copy_from_slice(&drawn[from..to]);
        self.at.set(to);
    }
}

impl fmt::Debug for SignatureRequest {
    /// The key is secret, and the data may be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} bytes", self.algorithm, self.data.len())
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} signatures", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records its calls.
    #[derive(Default)]
    struct Counting(Cell<u8>);

    impl Signer for Counting {
        fn hash(&self, _: HashAlgorithm, data: &[u8]) -> Vec<u8> {
            data.to_vec()
        }

        fn hmac(&self, _: HashAlgorithm, _: &[u8], data: &[u8]) -> Vec<u8> {
            data.to_vec()
        }

        fn sign(&self, _: SignatureAlgorithm, key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
            self.0.set(self.0.get() + 1);
            (key != b"none").then(|| [data, &[self.0.get()]].concat())
        }
    }

    #[test]
    fn slow_signatures_are_noted_once_and_answered_when_they_are_made() {
        let (signer, mut made) = (Counting::default(), Signatures::default());
        let deferring = DeferringSigner::new(&signer, &mut made);
        for data in [b"a", b"b", b"a"] {
            assert_eq!(deferring.sign(SignatureAlgorithm::Rs256, b"k", data), None);
        }
        // The fast one is that of the first time.
        let quick = deferring.sign(SignatureAlgorithm::Es256, b"k", b"q");
        assert_eq!(quick, Some(vec![b'q', 1]));
        let lacking = deferring.into_lacking();
        assert_eq!(lacking.len(), 2);
        for request in lacking {
            let signature = request.sign(&signer);
            made.add(request, signature);
        }
        let deferring = DeferringSigner::new(&signer, &mut made);
        let signed = [b"a", b"b"].map(|data| deferring.sign(SignatureAlgorithm::Rs256, b"k", data));
        assert_eq!(signed, [Some(vec![b'a', 2]), Some(vec![b'b', 3])]);
        assert_eq!(deferring.sign(SignatureAlgorithm::Es256, b"k", b"q"), quick);
        assert!(deferring.into_lacking().is_empty());
    }

    #[test]
    fn a_key_that_is_none_is_not_asked_for_again() {
        let (signer, mut made) = (Counting::default(), Signatures::default());
        let deferring = DeferringSigner::new(&signer, &mut made);
        deferring.sign(SignatureAlgorithm::Rs256, b"none", b"a");
        for request in deferring.into_lacking() {
            let signature = request.sign(&signer);
            made.add(request, signature);
        }
        let deferring = DeferringSigner::new(&signer, &mut made);
        assert_eq!(
            deferring.sign(SignatureAlgorithm::Rs256, b"none", b"a"),
            None
        );
        assert!(deferring.into_lacking().is_empty());
    }

    #[test]
    fn chance_is_the_same_each_time() {
        let source = Cell::new(0);
        let random = |bytes: &mut [u8]| {
            for byte in bytes {
                source.set(source.get() + 1);
                *byte = source.get();
            }
        };
        let mut drawn = Vec::new();
        let draw = |drawn: &mut Vec<u8>, lengths: &[usize]| -> Vec<Vec<u8>> {
            let redrawn = Redrawn::new(&random, drawn);
            let draw = |length: &usize| {
                let mut bytes = vec![0; *length];
                redrawn.fill(&mut bytes);
                bytes
            };
            lengths.iter().map(draw).collect()
        };
        assert_eq!(draw(&mut drawn, &[2, 1]), [vec![1, 2], vec![3]]);
        assert_eq!(draw(&mut drawn, &[1, 3]), [vec![1], vec![2, 3, 4]]);
        assert!(!format!("{:?}", Signatures::default()).is_empty());
    }
}
