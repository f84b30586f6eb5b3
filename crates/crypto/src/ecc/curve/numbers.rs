//! The numbers of the curves. A test beside them proves that they belong together.
//!
//! P-192, P-224: FIPS 186-4, D.1.2 (withdrawn from SP 800-186, where the others of NIST are: 3.2.1 and 3.2.2). BN P-256:
//! ISO/IEC 15946-5, 7.3; BN P-638: the parameter `u = 2^158 - 2^128 - 2^68 + 1`. SM2 P-256: GB/T 32918.5. Brainpool:
//! RFC 5639, 3. All as in the TCG Algorithm Registry.

use super::CurveParameters;

/// Gives every curve its numbers twice: as bytes in a static, and as digits in a module, for the portable arithmetic's
/// constants.
macro_rules! numbers {
    ($($(#[$meta:meta])* $name:ident, $module:ident: $size:literal {
        p: $p:literal, a: $a:literal, b: $b:literal, gx: $gx:literal, gy: $gy:literal, n: $n:literal, h: $h:literal,
    })*) => {$(
        $(#[$meta])*
        pub(super) static $name: CurveParameters = CurveParameters {
            p: &hex::<$size>($p),
            a: &hex::<$size>($a),
            b: &hex::<$size>($b),
            gx: &hex::<$size>($gx),
            gy: &hex::<$size>($gy),
            n: &hex::<$size>($n),
            h: &[$h],
        };

        #[allow(dead_code)]
        pub(in crate::ecc) mod $module {
            pub const P: &str = $p;
            pub const A: &str = $a;
            pub const B: &str = $b;
            pub const GX: &str = $gx;
            pub const GY: &str = $gy;
            pub const N: &str = $n;
        }
    )*};
}

numbers! {
    P192, p192: 24 {
        p: "fffffffffffffffffffffffffffffffeffffffffffffffff",
        a: "fffffffffffffffffffffffffffffffefffffffffffffffc",
        b: "64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1",
        gx: "188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012",
        gy: "07192b95ffc8da78631011ed6b24cdd573f977a11e794811",
        n: "ffffffffffffffffffffffff99def836146bc9b1b4d22831",
        h: 1,
    }

    P224, p224: 28 {
        p: "ffffffffffffffffffffffffffffffff000000000000000000000001",
        a: "fffffffffffffffffffffffffffffffefffffffffffffffffffffffe",
        b: "b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4",
        gx: "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21",
        gy: "bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34",
        n: "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
        h: 1,
    }

    P256, p256: 32 {
        p: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        a: "ffffffff00000001000000000000000000000000fffffffffffffffffffffffc",
        b: "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
        gx: "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        gy: "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        n: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        h: 1,
    }

    P384, p384: 48 {
        p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
        a: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc",
        b: "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
        gx: "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
        gy: "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
        n: "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        h: 1,
    }

    P521, p521: 66 {
        p:
            "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
             ffffffffffffffffffffffffffffffff",
        a:
            "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
             fffffffffffffffffffffffffffffffc",
        b:
            "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf07\
             3573df883d2c34f1ef451fd46b503f00",
        gx:
            "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de\
             3348b3c1856a429bf97e7e31c2e5bd66",
        gy:
            "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761\
             353c7086a272c24088be94769fd16650",
        n:
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d0\
             3bb5c9b8899c47aebb6fb71e91386409",
        h: 1,
    }

    BN_P256, bn_p256: 32 {
        p: "fffffffffffcf0cd46e5f25eee71a49f0cdc65fb12980a82d3292ddbaed33013",
        a: "0000000000000000000000000000000000000000000000000000000000000000",
        b: "0000000000000000000000000000000000000000000000000000000000000003",
        gx: "0000000000000000000000000000000000000000000000000000000000000001",
        gy: "0000000000000000000000000000000000000000000000000000000000000002",
        n: "fffffffffffcf0cd46e5f25eee71a49e0cdc65fb1299921af62d536cd10b500d",
        h: 1,
    }

    BN_P638, bn_p638: 80 {
        p:
            "23fffffdc000000d7fffffb8000001d3fffff942d000165e3fff94870000d52ffffdd0e00008de55c00086520021e55bffff\
             f51ffff4eb800000004c80015acdffffffffffffece00000000000000067",
        a:
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
             000000000000000000000000000000000000000000000000000000000000",
        b:
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
             000000000000000000000000000000000000000000000000000000000101",
        gx:
            "23fffffdc000000d7fffffb8000001d3fffff942d000165e3fff94870000d52ffffdd0e00008de55c00086520021e55bffff\
             f51ffff4eb800000004c80015acdffffffffffffece00000000000000066",
        gy:
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
             000000000000000000000000000000000000000000000000000000000010",
        n:
            "23fffffdc000000d7fffffb8000001d3fffff942d000165e3fff94870000d52ffffdd0e00008de55600086550021e555ffff\
             f54ffff4eac000000049800154d9ffffffffffffeda00000000000000061",
        h: 1,
    }

    SM2_P256, sm2_p256: 32 {
        p: "fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff",
        a: "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc",
        b: "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93",
        gx: "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
        gy: "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
        n: "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123",
        h: 1,
    }

    BP_P256_R1, bp_p256_r1: 32 {
        p: "a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
        a: "7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9",
        b: "26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6",
        gx: "8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262",
        gy: "547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997",
        n: "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
        h: 1,
    }

    BP_P384_R1, bp_p384_r1: 48 {
        p: "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
        a: "7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826",
        b: "04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11",
        gx: "1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e",
        gy: "8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315",
        n: "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
        h: 1,
    }

    BP_P512_R1, bp_p512_r1: 64 {
        p:
            "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e62881\
             ff2f2d82c68528aa6056583a48f3",
        a:
            "7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f11\
             17a72bf2c7b9e7c1ac4d77fc94ca",
        b:
            "3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94cadc083e679840\
             50b75ebae5dd2809bd638016f723",
        gx:
            "81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098eff3b1f78e2d0d48d50d1687b93b97d5f7c6d\
             5047406a5e688b352209bcb9f822",
        gy:
            "7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111b2dcde494a5f485e5bca4bd88a2763aed1ca\
             2b2fa8f0540678cd1e0f3ad80892",
        n:
            "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1\
             d381085ddaddb58796829ca90069",
        h: 1,
    }

    /// RFC 7748, 4.1 (Montgomery's form).
    CURVE25519, curve25519: 32 {
        p: "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
        a: "0000000000000000000000000000000000000000000000000000000000076d06",
        b: "0000000000000000000000000000000000000000000000000000000000000001",
        gx: "0000000000000000000000000000000000000000000000000000000000000009",
        gy: "20ae19a1b8a086b4e01edd2c7748d14c923d4d7e6d7c61b229e9c5a27eced3d9",
        n: "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
        h: 8,
    }

    /// RFC 7748, 4.2 (Montgomery's form).
    CURVE448, curve448: 56 {
        p:
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffff\
             ffffffffffff",
        a:
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
             0000000262a6",
        b:
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
             000000000001",
        gx:
            "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
             000000000005",
        gy:
            "7d235d1295f5b1f66c98ab6e58326fcecbae5d34f55545d060f75dc28df3f6edb8027e2346430d211312c4b150677af76fd7\
             223d457b5b1a",
        n:
            "3fffffffffffffffffffffffffffffffffffffffffffffffffffffff7cca23e9c44edb49aed63690216cc2728dc58f552378\
             c292ab5844f3",
        h: 4,
    }
}

/// Reads a constant's digits while the crate is compiled: a wrong constant stops the build, never a running program.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
const fn hex<const N: usize>(digits: &str) -> [u8; N] {
    const fn nibble(digit: u8) -> u8 {
        match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * N);
    let (mut bytes, mut at) = ([0u8; N], 0);
    while at < N {
        bytes[at] = nibble(digits[2 * at]) << 4 | nibble(digits[2 * at + 1]);
        at += 1;
    }
    bytes
}
