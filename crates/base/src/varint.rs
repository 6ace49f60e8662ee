//! Unsigned integers in 1 to 10 bytes: LEB128, seven bits a byte, the lowest first.

/// The most bytes that one number takes.
pub const MAX_BYTES: usize = 10;

/// Appends `number` to `out`.
pub fn encode(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(number & 0x7F).expect("seven bits fit in a byte");
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Reads a number from the front of `bytes`; returns it and how many bytes it took.
///
/// Total: `None` where the bytes end within the number, pass 64 bits, or are longer than needed (each number has
/// exactly one encoding).
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for (idx, &byte) in bytes.iter().take(MAX_BYTES).enumerate() {
        let bits = u64::from(byte & 0x7F);
        if idx == MAX_BYTES - 1 && bits > 1 {
            return None;
        }
        number |= bits << (7 * idx);
        if byte & 0x80 == 0 {
            let needless = byte == 0 && idx > 0;
            return (!needless).then_some((number, idx + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests;
