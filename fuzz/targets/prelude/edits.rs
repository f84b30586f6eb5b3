//! Edits of a real structure, five bytes each, so that an input reaches what lies behind lengths and tags: an operation,
//! a place (two bytes), a value (two bytes).

/// The bytes after all edits of `input`; what does not make five bytes is left.
pub fn apply(bytes: &mut Vec<u8>, input: &[u8]) {
    for step in input.chunks_exact(5) {
        let place = usize::from(u16::from_be_bytes([step[1], step[2]])) % (bytes.len() + 1);
        let value = [step[3], step[4]];
        match step[0] % 8 {
            0 if place < bytes.len() => bytes[place] ^= value[0],
            1 if place < bytes.len() => bytes[place] = value[0],
            2 => bytes.truncate(place),
            3 => bytes.insert(place, value[0]),
            4 if place < bytes.len() => drop(bytes.remove(place)),
            // A size field, or two bytes of one.
            5 => bytes.iter_mut().skip(place).zip(value).for_each(|(byte, new)| *byte = new),
            6 => bytes.extend(value),
            // A part twice.
            7 => {
                let part = bytes[place..bytes.len().min(place + usize::from(value[0]))].to_vec();
                bytes.splice(place..place, part);
            }
            _ => {}
        }
    }
}
