//! A reference DEFLATE (RFC 1951): slow, short, and without any state between two calls.
//!
//! It is as strict as zlib. A code must be complete, except for a single code of one bit.

/// The longest code, in bits.
const MAX_BITS: usize = 15;

/// The order in which the lengths of the code length code are sent (§3.2.7).
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Base and extra bits of the length symbols from 257 on (§3.2.5).
const LENGTHS: [(usize, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// Where decompression stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At the end of the input, and the next bit would begin a block.
    Boundary,
    /// At the end of the input, within a block's data or its first bits.
    Block,
    /// At the end of the input, within the codes at the start of a block with dynamic codes.
    Codes,
    /// After the final block; with the number of bytes read.
    Final(usize),
    /// At invalid data.
    Invalid,
    /// After more output than requested.
    Full,
}

/// Decompresses `data` until the output is longer than `limit`, by a byte.
pub fn inflate(data: &[u8], limit: usize) -> (Vec<u8>, End) {
    let mut inflater = Inflater {
        data,
        at: 0,
        limit,
        output: Vec::new(),
    };
    let end = loop {
        match inflater.block() {
            Ok(false) => {}
            Ok(true) => break End::Final(inflater.at.div_ceil(8)),
            Err(end) => break end,
        }
    };
    (inflater.output, end)
}

struct Inflater<'a> {
    data: &'a [u8],
    /// The next bit.
    at: usize,
    limit: usize,
    output: Vec<u8>,
}

/// A Huffman code (§3.2.2).
struct Code {
    /// The number of symbols with a code of this length.
    count: [usize; MAX_BITS + 1],
    /// The symbols with a code, in the order of their codes.
    symbols: Vec<usize>,
}

impl Inflater<'_> {
    /// Reads a block. Returns whether it was the final one.
    fn block(&mut self) -> Result<bool, End> {
        if self.at == self.data.len() * 8 {
            return Err(End::Boundary);
        }
        let header = self.bits(3)?;
        match header >> 1 {
            0 => self.stored()?,
            1 => {
                let lengths: Vec<u8> = (0..288)
                    .map(|symbol| match symbol {
                        0..=143 => 8,
                        144..=255 => 9,
                        256..=279 => 7,
                        _ => 8,
                    })
                    .collect();
                self.compressed(&Code::new(&lengths)?, &Code::new(&[5; 32])?)?;
            }
            2 => {
                let (literals, distances) = self.codes().map_err(|end| match end {
                    End::Block => End::Codes,
                    other => other,
                })?;
                self.compressed(&literals, &distances)?;
            }
            _ => return Err(End::Invalid),
        }
        Ok(header & 1 == 1)
    }

    /// The next bits, the least significant first.
    fn bits(&mut self, count: u32) -> Result<usize, End> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.data.get(self.at / 8).ok_or(End::Block)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(value)
    }

    fn put(&mut self, byte: u8) -> Result<(), End> {
        self.output.push(byte);
        match self.output.len() > self.limit {
            true => Err(End::Full),
            false => Ok(()),
        }
    }

    /// §3.2.4
    fn stored(&mut self) -> Result<(), End> {
        self.at = self.at.next_multiple_of(8);
        let (len, complement) = (self.bits(16)?, self.bits(16)?);
        if len != !complement & 0xffff {
            return Err(End::Invalid);
        }
        for _ in 0..len {
            let byte = self.bits(8)?;
            self.put(byte as u8)?;
        }
        Ok(())
    }

    /// §3.2.7
    fn codes(&mut self) -> Result<(Code, Code), End> {
        let (literals, distances) = (self.bits(5)? + 257, self.bits(5)? + 1);
        let count = self.bits(4)? + 4;
        if literals > 286 || distances > 30 {
            return Err(End::Invalid);
        }
        let mut lengths = [0; 19];
        for place in &ORDER[..count] {
            lengths[*place] = self.bits(3)? as u8;
        }
        let code = Code::new(&lengths)?;
        if code.is_single() {
            return Err(End::Invalid);
        }
        let mut lengths = Vec::new();
        while lengths.len() < literals + distances {
            let symbol = match code.symbols.is_empty() {
                // Like zlib: missing lengths are detected when the end of block has none.
                true => self.bits(1).map(|_| 0)?,
                false => self.symbol(&code)?,
            };
            let (length, repeat) = match symbol {
                16 => {
                    let repeat = 3 + self.bits(2)?;
                    (*lengths.last().ok_or(End::Invalid)?, repeat)
                }
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                length => (length as u8, 1),
            };
            lengths.extend(std::iter::repeat_n(length, repeat));
        }
        if lengths.len() > literals + distances || lengths[256] == 0 {
            return Err(End::Invalid);
        }
        let (literals, distances) = lengths.split_at(literals);
        Ok((Code::new(literals)?, Code::new(distances)?))
    }

    fn symbol(&mut self, code: &Code) -> Result<usize, End> {
        let (mut value, mut first, mut index) = (0, 0, 0);
        for count in &code.count[1..] {
            value |= self.bits(1)?;
            if value < first + count {
                return Ok(code.symbols[index + value - first]);
            }
            index += count;
            if index == code.symbols.len() {
                break;
            }
            first = (first + count) << 1;
            value <<= 1;
        }
        Err(End::Invalid)
    }

    /// §3.2.5
    fn compressed(&mut self, literals: &Code, distances: &Code) -> Result<(), End> {
        loop {
            let symbol = self.symbol(literals)?;
            if symbol == 256 {
                return Ok(());
            }
            if symbol < 256 {
                self.put(symbol as u8)?;
                continue;
            }
            let (base, extra) = LENGTHS.get(symbol - 257).ok_or(End::Invalid)?;
            let length = base + self.bits(*extra)?;
            let symbol = self.symbol(distances)?;
            let (base, extra) = match symbol {
                0..=3 => (symbol + 1, 0),
                4..=29 => {
                    let extra = symbol / 2 - 1;
                    (((2 + symbol % 2) << extra) + 1, extra as u32)
                }
                _ => return Err(End::Invalid),
            };
            let distance = base + self.bits(extra)?;
            let start = self.output.len().checked_sub(distance);
            let start = start.ok_or(End::Invalid)?;
            for at in start..start + length {
                self.put(self.output[at])?;
            }
        }
    }
}

impl Code {
    fn new(lengths: &[u8]) -> Result<Self, End> {
        let mut count = [0; MAX_BITS + 1];
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|at| lengths[*at] > 0).collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        for symbol in &symbols {
            count[usize::from(lengths[*symbol])] += 1;
        }
        let code = Self { count, symbols };
        // The number of unused codes of the greatest length.
        let mut left = 1_isize << MAX_BITS;
        for (length, count) in code.count.iter().enumerate().skip(1) {
            left -= (*count as isize) << (MAX_BITS - length);
        }
        let lone = code.symbols.is_empty() || code.is_single();
        match left == 0 || (left > 0 && lone) {
            true => Ok(code),
            false => Err(End::Invalid),
        }
    }

    /// Whether there is only one code, of one bit.
    fn is_single(&self) -> bool {
        self.symbols.len() == 1 && self.count[1] == 1
    }
}
