//! Known answers for each curve, computed with Python's integers.

use ironroot_wire::TpmEccCurve;

use super::super::vectors::hex;

/// A key pair, a signature that it made, and what it agrees on with its own public key. The private key is 01 02 03 …, on
/// P-521 behind 00 01.
pub struct Answers {
    pub x: &'static [u8],
    pub y: &'static [u8],
    /// Of the SHA-256 digest of "abc".
    pub r: &'static [u8],
    pub s: &'static [u8],
    /// The x coordinate of the private key times the public one.
    pub shared: &'static [u8],
}

/// The answers for a curve; `None` for those that are not short Weierstrass curves.
#[allow(clippy::too_many_lines)]
pub fn answers(curve: TpmEccCurve) -> Option<&'static Answers> {
    Some(match curve {
        TpmEccCurve::NistP192 => &P192,
        TpmEccCurve::NistP224 => &P224,
        TpmEccCurve::NistP256 => &P256,
        TpmEccCurve::NistP384 => &P384,
        TpmEccCurve::NistP521 => &P521,
        TpmEccCurve::BnP256 => &BN_P256,
        TpmEccCurve::BnP638 => &BN_P638,
        TpmEccCurve::Sm2P256 => &SM2_P256,
        TpmEccCurve::BpP256R1 => &BP_P256_R1,
        TpmEccCurve::BpP384R1 => &BP_P384_R1,
        TpmEccCurve::BpP512R1 => &BP_P512_R1,
        TpmEccCurve::Curve25519 | TpmEccCurve::Curve448 => return None,
    })
}

static P192: Answers = Answers {
    x: &hex::<24>("9c35bcc7634b6d6c76b11a898e83eac59b888b1a1371fed0"),
    y: &hex::<24>("c18c001d66446d9c204b40f452d6a7bc394665bf089734c7"),
    r: &hex::<24>("1456398c9d548b78534090c77cd378db25fff16324169842"),
    s: &hex::<24>("8b2269e15a97eff6d28260a48758be79a07d27579a6a9e05"),
    shared: &hex::<24>("a055560ca931e3e51eb8b4fa69595eacca50d3e65cf8e4e3"),
};

static P224: Answers = Answers {
    x: &hex::<28>("627b7c0b3a2fb7a478ac5670e9973194a5fda0bc0791b07506a73ddd"),
    y: &hex::<28>("99113b3fdea71bbff9921330d9ce980155eebd620c46be927c214543"),
    r: &hex::<28>("b83ae425740aacd7018393a85350e6b8edd91e2f028a37b07e6423d4"),
    s: &hex::<28>("08ed93f2b7679b25105dd39d618daf0b5f46e61ff01b9523bcfa7a84"),
    shared: &hex::<28>("1400003af405153105c8ff2e7b9064733892f81d6717e8c363e77c7a"),
};

static P256: Answers = Answers {
    x: &hex::<32>("515c3d6eb9e396b904d3feca7f54fdcd0cc1e997bf375dca515ad0a6c3b4035f"),
    y: &hex::<32>("4536be3a50f318fbf9a5475902a221502bef0d57e08c53b2cc0a56f17d9f9354"),
    r: &hex::<32>("83981c490124c7d05d29c922a815e8fd3fc430904f4dc9e9a7e10fe5daa988f0"),
    s: &hex::<32>("06e3bcd40578703811c04718ae173cd707f778b655c6f05a8ac947956d03d2fc"),
    shared: &hex::<32>("b4f1fcce40735f836af8d6312d248d1a8348405669a195fac5350406ba76bcce"),
};

static P384: Answers = Answers {
    x: &hex::<48>("c76f2283dda95cd49b0ed9e733d2904474e37216f124e13d2c9ab4cf01021c49ad9cabb3d0b97499aef2f0ab313fa028"),
    y: &hex::<48>("26bc1f83451b5c8962a75caff73588d4400a6296436154fb343c393e91048a6c7bcbadc83cd8a5f26feae883156f92a1"),
    r: &hex::<48>("da24ca89aa19a3e6e60c40f95530d4d6f701c52e9031aebad0b19d8df3302bcd7e413da53d93809e4a777457eb762b36"),
    s: &hex::<48>("8d1f04418a617ab7224d860d36faa0bd1fe68b89ca57e273b3d23e0298fcbb69346b8cfaefc6a5e9b4f2a11ffc0165f5"),
    shared: &hex::<48>(
        "2e903bc4a5184d964016978a28781bf563ebf17081e5d907d03f0f959ba83ad68ec19563d63144f3362082f7dc2a8952",
    ),
};

static P521: Answers = Answers {
    x: &hex::<66>(
        "00f770dfc8f7efd180c8441c114973581ba36c9688b3433751689ea266be5329deedbb887cc6ab36b6e82f94028d81a6\
             00be3a5378e1c7bc523ea53501e503daf5e8",
    ),
    y: &hex::<66>(
        "0084a51e090f64ec422a56c451c6b2e109da10133c438846c2835bc019d0e66a1f85f4e70457326003a342cdd9c40673\
             aa027700bc0a699d99a5ac651a21db502506",
    ),
    r: &hex::<66>(
        "003c4648fa166e5c72aea76ebba5596a0aab69deb89723d989f1f3861e9554866f24cf68ff093772e133bbe6a7975852\
             431f4df60c9d25a61e17afe6e352ea5844e8",
    ),
    s: &hex::<66>(
        "0152d4376e023e3006575b9fa7eb8b935e242dc84edd073aecd057e3f5dd7c2048ab2e244977eb56da444de08b5a2cab\
             8bdba5572e979fc4ed464bbe1843fe600359",
    ),
    shared: &hex::<66>(
        "018c1cb7138a3d392e21899289b8fb4cbec7e818fda353430eba2abc8beac6a7f83911cfa04c59d14320013840396567\
             6c85cbac5b481fc2134b61b638d9bc6f25c0",
    ),
};

static BN_P256: Answers = Answers {
    x: &hex::<32>("876bccb1327d2552d525af30157cd3249765537a512062715a479d76b95c4847"),
    y: &hex::<32>("41bd5f3537ddfe8e1e2994f57d23041d17dc139fe0546b4e9906e79f4e3a8519"),
    r: &hex::<32>("f53f1d78d287673f08dbfaafff78765391a1380bd47753a7901d563da125cc59"),
    s: &hex::<32>("e98a0aeffb8a3469d7349c85408a2c7d7745ee6c37465a045becde5193fe31d4"),
    shared: &hex::<32>("045f728e0501dbd912ee8ff992294266cf7a18ec1f8039265d57fd798f1e86eb"),
};

static BN_P638: Answers = Answers {
    x: &hex::<80>(
        "17c3eaa88eee9aa4bd69440e5bc29a0d1895871a6361e3acc7fb361c5c28719f7307631948036c51b357bfbd34f75ae4\
             ae506127815ff22447c2dfca16a5102aba72ec8e173355a4a4d6a2b283be08c6",
    ),
    y: &hex::<80>(
        "0a75fb0b9820e0ab487ebd5d961c5ad83946b48d676e5669427a4d505908d0d2fc1e08fd7013916a18ccea067b1767a7\
             d3670e53029d3b4e18a4b39eff998e8871cd2937c92489b466123b01936341b3",
    ),
    r: &hex::<80>(
        "0db6de8164f6bcc8425cb5fdef23d9fcc3742783e5de548973eaf68282b7fa40802a1ef43463dbfb48eb566cea7ee1ef\
             9f05e6a3f0c2cce9483a9b816cd49e6bf999f8defa9d087935bd9ca03ecf45c7",
    ),
    s: &hex::<80>(
        "051386e1faa7c809b41bc6f623a03d4187a1069c1ef6f5c4cd4d61cf5ebe6839f51dd8215ef6c88b302536c2c4a4aa59\
             709957c167e31ec5002bd0ff959ed3b93f937a78895210392c8c638f66841c63",
    ),
    shared: &hex::<80>(
        "1658ea4294af9da6d0503257fbaedb1728baea5729b06685bac8a8cbb35e89487335777dfbb1806128c2a995446d8a1d\
             74d4a486af368b211fecdee4cc77cabe5da47786d5358279e1605abf29799404",
    ),
};

static SM2_P256: Answers = Answers {
    x: &hex::<32>("46d1086f6e5c938447f05280db707c279a7b459c38f19e4d9a30ad2dadf9f28a"),
    y: &hex::<32>("f45fc1dc5b377736b57e97e7e0563ccca24c97f440e1d137e5941d84d2eb43c9"),
    r: &hex::<32>("e77f0a0f4fa9739ccb276fb87d9ba86fbcba11a36b1d23a24b76a98c03e67351"),
    s: &hex::<32>("271a7510bed0a236fa42634d92010c0eb23fca6dfb6b310cf77becda6ee6a58a"),
    shared: &hex::<32>("fbb9d195b9745872c5b7f38d5a890f362a951a6d6846cbc13f4ae30f1ae2a371"),
};

static BP_P256_R1: Answers = Answers {
    x: &hex::<32>("4e366cf3c8a982e423831d6715e722acf03cab8452e3c64d1e3b038caf87fc48"),
    y: &hex::<32>("387a044328d34ce4eb16c6c885b8b82be2584c18b28fc38143cbbf2b9b3520f9"),
    r: &hex::<32>("6e5d21fb31293602b0771b056701562f1c95b14011acacdef0998985e2ddccf5"),
    s: &hex::<32>("36a2a7c70c6d2dcb985605458d8f2791f669c6d26457e5e3a25f66affafd6a23"),
    shared: &hex::<32>("7867cd14194437dec2e16e90d0bd588301f819947b4cba9fb0e6ca9def41d17f"),
};

static BP_P384_R1: Answers = Answers {
    x: &hex::<48>("78083585d7bc642b9899c0547604dac754db56d69ba822c40d79ba4a33e61d6486869b012305179fd4b2cac97e66cffa"),
    y: &hex::<48>("103cc292b2d65dd9f241d6c89e9ef7793c7abc119c126a799cb664520bafdbe30b57adfd31ca35c5e6a3fdb31f99b096"),
    r: &hex::<48>("60ea78b0c23a8e402a8c6da4f77f77bc1e27b3e4e95bb17c4011545fe147d737da7afa6ab480437114e39cd4a9ef1ebf"),
    s: &hex::<48>("4b901e95b8ba5819ff19dc22c19a7ec70b2b948f77dd87bf45cdd84367295e74d38870cbd63b92417672cdd92ac24a06"),
    shared: &hex::<48>(
        "57faad6ac553182dbe0b103dd376bf0c642ea0beb8ef14720c6753663918395aceed8f90b23c8dc3b9763212ef7d8be4",
    ),
};

static BP_P512_R1: Answers = Answers {
    x: &hex::<64>(
        "1e1195c011872592277227075a078e9f8d562c5e3facf5c4c0f07f884c8552cfe99dba89fcc30bcfb82645176c34e5a1\
             604db7de6e4c8daed9aaefe137e2a7e9",
    ),
    y: &hex::<64>(
        "173e661791f1edd270cd914e30db932ffff253c17b863bcef75f88305463123c9d75ba85c13284b8fd87f5aff78fb6c4\
             b313cd36e3eeadb69905508521a87b30",
    ),
    r: &hex::<64>(
        "9b63abb50b3b3df0c89cc3f64ad2e15254c7b26eb4042daabe9d9e90a212cc36440346d9b1b00c164716947da3634338\
             8c600a1ab485e61796ed99bd4d5af6d7",
    ),
    s: &hex::<64>(
        "a9161cba19d7b77d34d5216ff400ce08be0eb90ce7931d8ec02d99a232483a54c0b795b4cba5be29aacd5049e6067210\
             30e36fb24814e587cdafdf766e5ceb7c",
    ),
    shared: &hex::<64>(
        "a49dc41e7b3d57419f439775134fdc0896383874fc58da203a9114be797eac47e73f94fc1f63c4ac4e3f6af342602de0\
             bb06cfb7ead408a595db8281137c556f",
    ),
};
