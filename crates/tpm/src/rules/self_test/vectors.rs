//! Known answers for the self-tests: published examples, or computed by other programs as it says.

/// The digest of "abc" (FIPS 180-4 and 202, examples).
pub const SHA1: [u8; 20] = hex("a9993e364706816aba3e25717850c26c9cd0d89d");
/// The digest of "abc" (FIPS 180-4 and 202, examples).
pub const SHA256: [u8; 32] = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
/// The digest of "abc" (FIPS 180-4 and 202, examples).
pub const SHA384: [u8; 48] =
    hex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
/// The digest of "abc" (FIPS 180-4 and 202, examples).
pub const SHA512: [u8; 64] =
    hex("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423\
     643ce80e2a9ac94fa54ca49f");
/// The digest of "abc" (GB/T 32905-2016, A.1).
pub const SM3: [u8; 32] = hex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
/// The digest of "abc" (FIPS 180-4 and 202, examples).
pub const SHA3_256: [u8; 32] = hex("3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
/// The digest of "abc" (FIPS 180-4 and 202, examples).
pub const SHA3_384: [u8; 48] =
    hex("ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25");
/// The digest of "abc" (FIPS 180-4 and 202, examples).
pub const SHA3_512: [u8; 64] =
    hex("b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4c\
     f408d5a56592f8274eec53f0");
/// RFC 4231, test case 2.
pub const HMAC_SHA256: [u8; 32] = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
/// KDFa with SHA-256 of the key 00 to 1f, "TEST", "context u", "context v", 320 bits, by Python's hmac.
pub const KDFA: [u8; 40] = hex("273223460e8fd0a8f45950df4b8c74505c105e5ed084a4095537bedac24d6e1638da1f05ffd2eb64");
/// KDFe with SHA-256 of the secret 00 to 1f, "TEST", "party u", "party v", 320 bits, by Python's hashlib.
pub const KDFE: [u8; 40] = hex("f3c74f4a86ce86f866f14707407bf57194c14336dc41324f3a32f48748e0f4e7851800a64724f6e1");
/// XOR obfuscation of forty bytes 5a with SHA-256, the key 00 to 1f, "nonce newer" and "nonce older".
pub const XOR: [u8; 40] = hex("e8ed282baf297157133050e56cbd7f173fab694effdb287564daeb69cddba51fde871598dd43d3cf");
/// MGF1 with SHA-256 of "seed", 40 bytes.
pub const MGF1: [u8; 40] = hex("336f28a022193939585a1b4edc989f870917f3a5f6ddd16e4fb357084a6bdfc273a649427664d03b");
/// CTR_DRBG with AES-256: the entropy and the second 64 bytes of NIST's first vector without reseeding.
pub const CTR_DRBG_ENTROPY: [u8; 48] =
    hex("df5d73faa468649edda33b5cca79b0b05600419ccb7a879ddfec9db32ee494e5531b51de16a30f769262474c73bec010");
pub const CTR_DRBG: [u8; 64] = hex(
    "d1c07cd95af8a7f11012c84ce48bb8cb87189e99d40fccb1771c619bdf82ab2280b1dc2f2581f39164f7ac0c510494b3a43c41b7db17514c87b107ae793e01c5",
);
/// HMAC_DRBG with SHA-256: the second 40 bytes from the entropy 00 to 1f, the nonce 00 to 0f and "self-test".
pub const DRBG: [u8; 40] = hex("6349494a86eb5ab36ba4a796c04e290c34cc8acd10e78b2e0bcfe44df91c411aae274584f51f0ef4");
/// The AES-128 key of SP 800-38A, annex F.
pub const AES_KEY: [u8; 16] = hex("2b7e151628aed2a6abf7158809cf4f3c");
/// Its first two blocks.
pub const AES_PLAIN: [u8; 32] = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
/// SP 800-38A, F.1.1, first two blocks.
pub const AES_ECB: [u8; 32] = hex("3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
/// SP 800-38A, F.2.1, first two blocks.
pub const AES_CBC: [u8; 32] = hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
/// SP 800-38A, F.3.13, first two blocks.
pub const AES_CFB: [u8; 32] = hex("3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b");
/// SP 800-38A, F.4.1, first two blocks.
pub const AES_OFB: [u8; 32] = hex("3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825");
/// SP 800-38A, F.5.1, first two blocks.
pub const AES_CTR: [u8; 32] = hex("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
/// FIPS 197, annex C: AES-128.
pub const AES128: [u8; 16] = hex("69c4e0d86a7b0430d8cdb78070b4c55a");
/// FIPS 197, annex C: AES-192.
pub const AES192: [u8; 16] = hex("dda97ca4864cdfe06eaf70a0ec0d7191");
/// FIPS 197, annex C: AES-256.
pub const AES256: [u8; 16] = hex("8ea2b7ca516745bfeafc49904b496089");
/// Camellia of the block 00 11 to ff with the key 00 01 to 0f, by OpenSSL.
pub const CAMELLIA128: [u8; 16] = hex("77cf412067af8270613529149919546f");
/// The same with a key of 24 bytes.
pub const CAMELLIA192: [u8; 16] = hex("b22f3c36b72d31329eee8addc2906c68");
/// The same with a key of 32 bytes.
pub const CAMELLIA256: [u8; 16] = hex("2edf1f3418d53b88841fc8985fb1ecf2");
/// SM4 of the same, by OpenSSL.
pub const SM4: [u8; 16] = hex("74c046048161bbf3d4ceff33d3f429be");
/// TDES of the same in two blocks with two keys, by OpenSSL.
pub const TDES128: [u8; 16] = hex("d117bd6373549faa2ca972dffa10114d");
/// The same with three keys.
pub const TDES192: [u8; 16] = hex("97a25ba82b564f4c6142886a2ca8d53b");
/// SP 800-38B, D.1, example 3: what follows the first two blocks.
pub const CMAC_REST: [u8; 8] = hex("30c81c46a35ce411");
/// Its code.
pub const CMAC: [u8; 16] = hex("dfa66747de9ae63030ca32611497c827");
/// NIST CAVP, ansx963_2001: a secret.
pub const KDF2_SECRET: [u8; 24] = hex("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08");
/// Its key with SHA-256.
pub const KDF2: [u8; 16] = hex("443024c3dae66b95e6f5670601558f71");
/// RFC 5869, A.1: the salt.
pub const HKDF_SALT: [u8; 13] = hex("000102030405060708090a0b0c");
/// The info.
pub const HKDF_INFO: [u8; 10] = hex("f0f1f2f3f4f5f6f7f8f9");
/// The output.
pub const HKDF: [u8; 42] = hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
/// The modulus of a key that is for tests alone; the exponent is 65537.
pub const RSA_MODULUS: [u8; 256] =
    hex("95babdd485bf3641b84b992154f351cc77e06725de3e18173465e819d1aa9d7e71debc99b1e1db0380c5ac5e0371cf5c4fd01314\
     cece3521b349bce3b2c3c8f90d2ce39e439063b38b85015de6719c42bdaf7cbff5b283b8013646d3560d61873c24e6f67c16c96c\
     86f17b749c97407ae032b20cafa0f2296da221db648f2ce00ee3dc00390901fee1a3f9cabdbe190ee26839633c8bd3cdf48fc256\
     99e99afd2e82ceb217013c4ee2b663577b153963229bb143f8e64536eae8fbcee6a947ed57446ecb161c22fc766a20d2849a32f0\
     1fc743852b1b1e99f4ace0fa7d234d4380268db092499519c7a6418d0da1a417710fec6ca8ef9dc95057cd540439392f");
/// One of its primes.
pub const RSA_PRIME: [u8; 128] =
    hex("c8eaf0aafa8e7d7ba5bb9412dae03091cf20409e559a40fec24ef4ca04d92579acb55560c5a35970a4b30c42d63a903190ec6da8\
     92489f955a999a1d49c6e4cc96e84e5ce28aec80a1fe41bcd88428254787981d8097504430a3ab509af52575a445b4fbfa56de64\
     ece5c9cefe0a49bcc82d260095c8ab37d0c3ec1e5a6b761f");
/// The RSASSA-PKCS1-v1_5 signature of SHA-256("abc"), by OpenSSL.
pub const RSASSA: [u8; 256] =
    hex("129881fa06e008b365cc32b697e21100ac0f40e070a3bba389135c13343727366c7d7c484855ada76b4be0fedf8f6076fbf6e6ad\
     e5f2135e212772c3295ea56abc4c13bd8fde22643f3d3bc7992500bb01de1c9df9430a3f0c1372839e79a83b069d05597fb39ed1\
     7566444b4c92d208c9d042f9b235b9bc500157097fbf42d5ca7da1e692f04be1bd7adbee7af149d1956454a408861b884e5a3078\
     ecc057bc708ca95436a831db511ed4d3075f5c36f638b4755ff523afd64e6e7518ae2dc7867f421b3816e0cf8d9b5c3af64b8ad1\
     bd4a5181c0f449a38d385cb46c653eb9a3a1ae8d4bf4a5ab6e16768add5ad98f70970e94c3dc84a4e3aab478bf3f19c0");
/// A RSASSA-PSS signature of SHA-256("abc"), by OpenSSL.
pub const RSAPSS: [u8; 256] =
    hex("518dd5ef09e986eea1149bcd80540ee8697da21c3005d53bd79bc80fe26d0aa43a6a575a99f00b5e6a18dadc11f9751135e1561d\
     004cbda5ec6cb5c25cd0e71f4a5192f70b62296e7113dbd5486b1899f5508dcdb31dc92606010842317a645262f84f416812bea7\
     06ade35da77e1f81e19c4fcfd464ef4bd77e5394a98dd2beb4ac1b0e6506d4d2c4b2fd93191df8e048e1f3434106e736c0c6f2e7\
     7c246a57135fc4cdb9709b830621684805bfa71c915ac3a18a19cf0d86b8408da4306e78c58fd8559745f2f4392e61dff05e621d\
     5187b0dfdd5edd64b64b31a0829c473d6c2c8ebb074414651c3507aea38fa09af2ef78166047b11e633baba721f7e6f8");
/// "message", encrypted by OpenSSL with RSAES-PKCS1-v1_5.
pub const RSAES: [u8; 256] =
    hex("0e4be2799a65cdbae66def8c369e6d29bf830464850559c092ea51b95ca07d3eabf123cefacebfc8299a793910fa88379725c8b2\
     21098abe9a925a9010a6a39c614f48c64bde2c88ccf64e094fec279d28ad644f4e0595dc29b8dc709c3126b438c5cbe60287e1e7\
     4df4ebbe7913599a7cc8c9c78ce55491b4709ed0c3322abafc1581ab1a3c53f22f89e2bee3117db89122b1bd445cfa2ad3b9e3cd\
     c7b9a8ec197e61a1204cbe0124207ce92213d4cdbc03fe6d97ae7e2521c600d03a5218a49a93b283da0fd69ef7126bd4aa9d2396\
     eb8555fbb58ab9145ce3d5e786196ba98418bcf81ca9c542804299f54cd0806bb56bcbc7435e2145a88d76e78f17b689");
/// "message", encrypted by OpenSSL with RSAES-OAEP, SHA-256 and the label "TEST" with its zero.
pub const OAEP: [u8; 256] =
    hex("86c09f8c9ff80ed5d6b123bed62f2e7f09bd2526feee9cfc421aa1e0d9248b1a5f70be1ca8e9272242cba581c13dd3595d878852\
     dfe7983db83152b7c8f90f5645d5c4add951fa4c700ab15e6b979e809a7caf8a41b86834dd0190522e375e7a3c9aa5134e25dcaf\
     29bfbb2b2367afcc4dcd773e89e3a76b461ce40db630cc89ce888719ac241230f30cde3ad68e4c86d1c5f8e1eac6985c8afa9f17\
     83f39a8c12a69326f636d8d4d131af3504779323cfe69be59b2a366bef58919ac0aa3dfbfa70a5939cfbdabd4214e2248cb807b0\
     bc3230b07e4332ad4a5531f416131ad6769d7d5d1e65aad77f145d37d5da52959ce5caa47ebb7e36a2b2fc70e3eaf9dd");
/// The seed d || z of the ML-KEM answers (the first of each kat_MLKEM_*.rsp of pyca/cryptography).
pub const MLKEM_SEED: [u8; 64] = hex(
    "6dbbc4375136df3b07f7c70e639e223e177e7fd53b161b3f4d57791794f12624f696484048ec21f96cf50a56d0759c448f3779752f0383\
     d37449690694cf7a68",
);
/// The message that is encapsulated.
pub const MLKEM_MESSAGE: [u8; 32] = hex("20a7b7e10f70496cc38220b944def699bf14d14e55cf4c90a12c1b33fc80ffff");
/// SHA-256 of the public key of ML-KEM-512.
pub const MLKEM_512_PUBLIC: [u8; 32] = hex("52dc02b703fa93eca2c397b50e21af7d57066d5137ecf27a303d7b960380e3b2");
/// SHA-256 of the ciphertext of ML-KEM-512.
pub const MLKEM_512_CIPHERTEXT: [u8; 32] = hex("92e6bff643a518181a8c618d340c0c138f99eba6606cd1861915ec116c8bcf5e");
/// The secret of ML-KEM-512.
pub const MLKEM_512_SECRET: [u8; 32] = hex("2b5c52ee72946331983ba050be0f435055c0547901e03559b356517889ea27c5");
/// The secret that ML-KEM-512 gives for a ciphertext of zeros: SHAKE256(z || c).
pub const MLKEM_512_REJECTED: [u8; 32] = hex("8e23278f301be5e505fd7f63ef63941fa62615c20e1d6210ed4ae822d2e6efa9");
/// SHA-256 of the public key of ML-KEM-768.
pub const MLKEM_768_PUBLIC: [u8; 32] = hex("4bec4730f26273c6319ef7387dd4758315240a9394cd89264b148b9113060b61");
/// SHA-256 of the ciphertext of ML-KEM-768.
pub const MLKEM_768_CIPHERTEXT: [u8; 32] = hex("4191f5596ebe7ff14461854e6c2885763c439b881166e4337ca5084ee6cf2c6e");
/// The secret of ML-KEM-768.
pub const MLKEM_768_SECRET: [u8; 32] = hex("b408d5d115713f0a93047dbbea832e4340787686d59a9a2d106bd662ba0aa035");
/// The secret that ML-KEM-768 gives for a ciphertext of zeros: SHAKE256(z || c).
pub const MLKEM_768_REJECTED: [u8; 32] = hex("cf015c2169c6d9f1f45ec20a14a9e67e7b276215d9c6eb76c2257f461fa7ad8d");
/// SHA-256 of the public key of ML-KEM-1024.
pub const MLKEM_1024_PUBLIC: [u8; 32] = hex("b6dff88f25fef3b0bbee12f9c5fe8174c6df6f300e0d975419cef692759d6906");
/// SHA-256 of the ciphertext of ML-KEM-1024.
pub const MLKEM_1024_CIPHERTEXT: [u8; 32] = hex("1308cc7803ede254c1704f62ec82930d34394b27983d8f0b5c33d68d173648b4");
/// The secret of ML-KEM-1024.
pub const MLKEM_1024_SECRET: [u8; 32] = hex("23f211b84a6ee20c8c29f6e5314c91b414e940513d380add17bd724ab3a13a52");
/// The secret that ML-KEM-1024 gives for a ciphertext of zeros: SHAKE256(z || c).
pub const MLKEM_1024_REJECTED: [u8; 32] = hex("c11ce57aac27525ce2c0f8781d130d4f999cecd1a2ab4c17bb6e7737fbe91bf0");
/// The seed of the ML-DSA answers (the first of each kat_MLDSA_*_det_pure.rsp of pyca/cryptography).
pub const MLDSA_SEED: [u8; 32] = hex("f696484048ec21f96cf50a56d0759c448f3779752f0383d37449690694cf7a68");
/// The message that is signed, without randomness.
pub const MLDSA_MESSAGE: [u8; 16] = hex("6dbbc4375136df3b07f7c70e639e223e");
/// Its context.
pub const MLDSA_CONTEXT: [u8; 16] = hex("480c658c0cb3e040bde084345cef0df7");
/// SHA-256 of the public key of ML-DSA-44.
pub const MLDSA_44_PUBLIC: [u8; 32] = hex("18288249b90bcbd48d473d2a507cc3c1e95e040f639ac3333a8ed1891de14552");
/// SHA-256 of the signature of ML-DSA-44.
pub const MLDSA_44_SIGNATURE: [u8; 32] = hex("e8a1941380e7cadb3c8dfb31dd3f3986568d26e4bf2d975610e81df300267c37");
/// SHA-256 of the public key of ML-DSA-65.
pub const MLDSA_65_PUBLIC: [u8; 32] = hex("ab0f27cfe4f84d2a9fa74d48467439df9e5dd8401f8715f82ed70e43a371400a");
/// SHA-256 of the signature of ML-DSA-65.
pub const MLDSA_65_SIGNATURE: [u8; 32] = hex("413e6b4eac737e0406fa3849b9263480667ad6123580f80e4fd3da81bda993bb");
/// SHA-256 of the public key of ML-DSA-87.
pub const MLDSA_87_PUBLIC: [u8; 32] = hex("b509c4ebd6b5fa67009c73cc7cebe55a3f38486a24acfbf9d91dd04f63e660b5");
/// SHA-256 of the signature of ML-DSA-87.
pub const MLDSA_87_SIGNATURE: [u8; 32] = hex("8c05ed511a746a00f603cc61ee3e967b85ac2320aab03ce2035915823e608465");
/// The mu of HashML-DSA for the digest [`SHA256`], the public key 00 to 1f and the context "context", by Python's hashlib.
pub const HASH_MLDSA_MU: [u8; 64] = hex(
    "9c2e47122769eea1d36e5ceec077684551f4cc9bf3976db7d43f7e16dac7ab1d72718dfeb75f1674a6d7a6550fbf1e41cefe82391c2d80\
     210f1467ed7289b227",
);
/// The public key of X25519 to the private key 01 02 03 …, by OpenSSL.
pub const X25519_PUBLIC: [u8; 32] = hex("07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c");
/// Somebody else's public key.
pub const X25519_PEER: [u8; 32] = hex("b0d08f35b4683381489afb32825e59152d47d19bc9e050d6d5a954984c9d1e2c");
/// What both agree on.
pub const X25519_SHARED: [u8; 32] = hex("ddccf658b24c842d0993c8ac53d8a0b8cd5bbe95fc4651bf8e094aa02a722107");
/// The public key of Ed25519 to the private key 01 02 03 …, by OpenSSL.
pub const ED25519_PUBLIC: [u8; 32] = hex("79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664");
/// Its signature of "message".
pub const ED25519_SIGNATURE: [u8; 64] =
    hex("2589970d73cbdf923fd51e1259d786542f38a31534380fbdc0ebe13e8518c5395f95c4a111b992969f9b28fc72c2e549f8773ce5\
     1768ddcbad0ef6251b791806");
/// Its signature as Ed25519ph, by an implementation of RFC 8032 in Python.
pub const ED25519PH_SIGNATURE: [u8; 64] =
    hex("efe2a18859f4fa6e088dc2b6d606d2bb8ea355de9ecb4c843bcf316e8df790f1a23f9b781dabc9858f16e355a47ff7a4ca0a196d\
     d818f6c8950d3f29d2a85f0d");
/// The public key of X448 to the private key 01 02 03 …, by OpenSSL.
pub const X448_PUBLIC: [u8; 56] = hex(
    "bda7365ba1bd9a66f2ef38db6ec5ac5fad5452e990d8b2f88f721fd53363237e775f65205d1d4667d473f0e1f4c57694d2d802e8dff06026",
);
/// Somebody else's public key.
pub const X448_PEER: [u8; 56] = hex(
    "0bfab35f68e504792e6a969971e3400077505542d6b41ee1fc8a76c0a858621bcfeb46eebdb560879b29db79ab3b80e5e55367b3c114d4f7",
);
/// What both agree on.
pub const X448_SHARED: [u8; 56] = hex(
    "b0c38937053bbbaf02e075b6ab46727ed9d3e3577d960118169b82ad237540663d23fdef2a17e819e9e603224c40e99d5b3223c72e7be418",
);
/// The public key of Ed448 to the private key 01 02 03 …, by OpenSSL.
pub const ED448_PUBLIC: [u8; 57] =
    hex("da918ba3e57fdca0326f46c7ec843ba8fcb0d57fa15f2588a57bae9df558210351e7e15581b24459c0a7cde1e835582d717c0699\
     ea72e8c900");
/// Its signature of "message".
pub const ED448_SIGNATURE: [u8; 114] =
    hex("9b52b3a33b354e3a1225ba4241f1d4cd3c2e5ec86db28f4ad9464fda75c9fd251b10fb01b43935d1653f9e2047694be15cf555c9\
     cd1476c900f60720c48b880a736520f8559c84f01441d65eea05374303638f87b07cd9e9225dab19cc008fe1e0074429bf6f82b0\
     75314dcced8e3d092f00");
/// Its signature as Ed448ph, by an implementation of RFC 8032 in Python.
pub const ED448PH_SIGNATURE: [u8; 114] =
    hex("a3868feb58425e2a6dd6383b8dd1cd5c92213939a3d56809bb1c08e95038753ce9d2e1da615f24a77ba1a3fa373585736877bf40\
     b6eae4db80383bb874c7c8727b96aaca2b1a9db27a9b4f39e36a9b31535e0341e5c912d81b1c07c660aea2d12cb8236615860d3c\
     4b5b5d466836ed322500");
/// The EC Schnorr signature (SHA-256, P-256) of [`SHA256`] with the private key 01 02 03 … and the per-message number
/// 03 04 05 …, r and s, with Python's integers.
pub const ECSCHNORR: [[u8; 32]; 2] = [
    hex("43e13295a5cb1c5040d23ccd4c86e41f10cca5af04af3df10442f1689a8b091c"),
    hex("feaf9411bb11868acac8578b80a96e156bac12efa7fd57253c04712a5f8d08fd"),
];
/// GB/T 32918.5, annex A: the digest.
pub const SM2_DIGEST: [u8; 32] = hex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
/// The private key.
pub const SM2_SCALAR: [u8; 32] = hex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8");
/// The public key, x and y.
pub const SM2_PUBLIC: [[u8; 32]; 2] = [
    hex("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"),
    hex("ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"),
];
/// The signature, r and s.
pub const SM2_SIGNATURE: [[u8; 32]; 2] = [
    hex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"),
    hex("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"),
];
/// Full MQV on P-256, with Python's integers: the own static key is 01 02 03 …, the ephemeral one 03 04 05 …, the other
/// side's 05 06 07 … and 07 08 09 …. Own ephemeral public key, x and y.
pub const MQV_EPHEMERAL: [[u8; 32]; 2] = [
    hex("83981c490124c7d05d29c922a815e8fd3fc430904f4dc9e9a7e10fe5daa988f0"),
    hex("da828754c10366449cafb32b95d265986d199411b91321c6ff068c812d23c5dc"),
];
/// The other side's static public key.
pub const MQV_PEER_STATIC: [[u8; 32]; 2] = [
    hex("a4b48fa1a0e3120b3b624777298d57b4b883c177932bfbad1e010a53e22691c5"),
    hex("6d3172d7947e3014dd1aa2e9b453d21f7e8da7d9b5829d77f8c59d98e386fa77"),
];
/// The other side's ephemeral public key.
pub const MQV_PEER_EPHEMERAL: [[u8; 32]; 2] = [
    hex("a28e38dcab1689b9c2f413141939416fea9dcc8e6ad76a8a13422bb4c11e6e32"),
    hex("695b1a0d140033e7e0eaa5634fb5e6d36beedcbc67ad3eeb5a8b7f477a59bfda"),
];
/// What both sides get, x and y.
pub const MQV_SHARED: [[u8; 32]; 2] = [
    hex("8cc26752f87cfe80858729a058cf8d68545f7fb9cf1e4f795be376ee0bafe75a"),
    hex("7c57e58093e34d4047f2ec2d96aba12b581331e5b274a6720b529fb6893aefb2"),
];

/// Reads a constant's digits while the crate is compiled: a wrong constant stops the build, never a running program.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
pub const fn hex<const N: usize>(digits: &str) -> [u8; N] {
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
