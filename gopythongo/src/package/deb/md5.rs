//! MD5 (RFC 1321): what `md5sums` of a package holds. It tells damage, and guards nothing.

/// A message so far.
pub(super) struct Md5 {
    state: [u32; 4],
    block: [u8; 64],
    length: u64,
}

impl Md5 {
    pub(super) fn new() -> Self {
        Self { state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476], block: [0; 64], length: 0 }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        let held = self.held();
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if held > 0 {
            let (head, rest) = bytes.split_at(bytes.len().min(64 - held));
            self.block[held..held + head.len()].copy_from_slice(head);
            if held + head.len() < 64 {
                return;
            }
            bytes = rest;
            compress(&mut self.state, &self.block);
        }
        let (blocks, rest) = bytes.as_chunks::<64>();
        for block in blocks {
            compress(&mut self.state, block);
        }
        self.block[..rest.len()].copy_from_slice(rest);
    }

    /// 32 lowercase hexadecimal digits.
    pub(super) fn finish(mut self) -> String {
        let bits = self.length.wrapping_mul(8);
        let zeros = (119 - self.held()) % 64;
        let mut padding = [0; 72];
        padding[0] = 0x80;
        padding[1 + zeros..9 + zeros].copy_from_slice(&bits.to_le_bytes());
        self.update(&padding[..9 + zeros]);
        self.state.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect()
    }

    /// How many bytes of the block are there.
    fn held(&self) -> usize {
        (self.length % 64) as usize
    }
}

// Written out: a debug build, which pipelines are by default, does a loop at a third of the speed.
#[rustfmt::skip]
fn compress(state: &mut [u32; 4], block: &[u8; 64]) {
    let mut words = [0u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! mixed {
        (choose $b:ident $c:ident $d:ident) => { ($b & $c) | (!$b & $d) };
        (choose_other $b:ident $c:ident $d:ident) => { ($d & $b) | (!$d & $c) };
        (parity $b:ident $c:ident $d:ident) => { $b ^ $c ^ $d };
        (last $b:ident $c:ident $d:ident) => { $c ^ ($b | !$d) };
    }
    macro_rules! round {
        ($mix:ident: $([$a:ident $b:ident $c:ident $d:ident $word:literal $shift:literal $add:literal]),*) => {
            $($a = $a.wrapping_add(mixed!($mix $b $c $d)).wrapping_add($add).wrapping_add(words[$word])
                .rotate_left($shift).wrapping_add($b);)*
        };
    }
        round!(choose:
            [a b c d  0  7 0xd76a_a478], [d a b c  1 12 0xe8c7_b756],
            [c d a b  2 17 0x2420_70db], [b c d a  3 22 0xc1bd_ceee],
            [a b c d  4  7 0xf57c_0faf], [d a b c  5 12 0x4787_c62a],
            [c d a b  6 17 0xa830_4613], [b c d a  7 22 0xfd46_9501],
            [a b c d  8  7 0x6980_98d8], [d a b c  9 12 0x8b44_f7af],
            [c d a b 10 17 0xffff_5bb1], [b c d a 11 22 0x895c_d7be],
            [a b c d 12  7 0x6b90_1122], [d a b c 13 12 0xfd98_7193],
            [c d a b 14 17 0xa679_438e], [b c d a 15 22 0x49b4_0821]);
        round!(choose_other:
            [a b c d  1  5 0xf61e_2562], [d a b c  6  9 0xc040_b340],
            [c d a b 11 14 0x265e_5a51], [b c d a  0 20 0xe9b6_c7aa],
            [a b c d  5  5 0xd62f_105d], [d a b c 10  9 0x0244_1453],
            [c d a b 15 14 0xd8a1_e681], [b c d a  4 20 0xe7d3_fbc8],
            [a b c d  9  5 0x21e1_cde6], [d a b c 14  9 0xc337_07d6],
            [c d a b  3 14 0xf4d5_0d87], [b c d a  8 20 0x455a_14ed],
            [a b c d 13  5 0xa9e3_e905], [d a b c  2  9 0xfcef_a3f8],
            [c d a b  7 14 0x676f_02d9], [b c d a 12 20 0x8d2a_4c8a]);
        round!(parity:
            [a b c d  5  4 0xfffa_3942], [d a b c  8 11 0x8771_f681],
            [c d a b 11 16 0x6d9d_6122], [b c d a 14 23 0xfde5_380c],
            [a b c d  1  4 0xa4be_ea44], [d a b c  4 11 0x4bde_cfa9],
            [c d a b  7 16 0xf6bb_4b60], [b c d a 10 23 0xbebf_bc70],
            [a b c d 13  4 0x289b_7ec6], [d a b c  0 11 0xeaa1_27fa],
            [c d a b  3 16 0xd4ef_3085], [b c d a  6 23 0x0488_1d05],
            [a b c d  9  4 0xd9d4_d039], [d a b c 12 11 0xe6db_99e5],
            [c d a b 15 16 0x1fa2_7cf8], [b c d a  2 23 0xc4ac_5665]);
        round!(last:
            [a b c d  0  6 0xf429_2244], [d a b c  7 10 0x432a_ff97],
            [c d a b 14 15 0xab94_23a7], [b c d a  5 21 0xfc93_a039],
            [a b c d 12  6 0x655b_59c3], [d a b c  3 10 0x8f0c_cc92],
            [c d a b 10 15 0xffef_f47d], [b c d a  1 21 0x8584_5dd1],
            [a b c d  8  6 0x6fa8_7e4f], [d a b c 15 10 0xfe2c_e6e0],
            [c d a b  6 15 0xa301_4314], [b c d a 13 21 0x4e08_11a1],
            [a b c d  4  6 0xf753_7e82], [d a b c 11 10 0xbd3a_f235],
            [c d a b  2 15 0x2ad7_d2bb], [b c d a  9 21 0xeb86_d391]);
    for (own, new) in state.iter_mut().zip([a, b, c, d]) {
        *own = own.wrapping_add(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn md5(bytes: &[u8]) -> String {
        let mut md5 = Md5::new();
        md5.update(bytes);
        md5.finish()
    }

    #[test]
    fn the_test_suite_of_the_rfc_passes() {
        for (text, digest) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ] {
            assert_eq!(md5(text.as_bytes()), digest, "{text}");
        }
    }

    #[test]
    fn pieces_of_any_size_make_the_same_digest() {
        let bytes: Vec<u8> = (0..1000u32).map(|n| (n % 251) as u8).collect();
        for length in [55, 56, 63, 64, 65, 119, 120, 128, 1000] {
            let whole = md5(&bytes[..length]);
            for size in [1, 7, 64, 100] {
                let mut md5 = Md5::new();
                bytes[..length].chunks(size).for_each(|piece| md5.update(piece));
                assert_eq!(md5.finish(), whole, "{length} bytes in pieces of {size}");
            }
        }
    }
}
