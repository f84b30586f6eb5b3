//! Secrets leave the process's memory when they should, and never get into its log.
//!
//! A daemon is given secrets whose bytes the test knows, and made to use them in every way; then the test reads all of the
//! daemon's writable memory. What is loaded has to be found (or the search is worth nothing), what was flushed, undefined,
//! cleared or switched off must not be: not in freed memory, nor on a stack, nor in a socket's buffer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "service")]

mod support;

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use ironroot_client::{
    Auth, SessionOptions, Tpm,
    templates::{self, KeyType},
    wire::*,
};
use support::{search::*, *};

const OWNER: TpmHandle = TpmHandle::OWNER;
/// A key that OpenSSL generated for tests: its modulus and a prime.
const RSA_N: &str = "c568ece565204ea1686705cb4a476afbdb48eb4c5c86bffbe328c1bd01bea66125de09a08dd837d34ee6d93df61c9ebf7a6e94f6f2cd2d67\
    9cbbceb6d239fea9cea7364a02eaba3bf4bcb76c2cdff7889c716599491637a14f4094450beb5424f4d4be028aae4706fbcfa50fc893fa46\
    a652cd38344d99fa85e6bbc1cf4a7e685e31fbb9ba4fc827d599362240ef283a7309c95d4e13f983e5d8ed23ec30c355717ff8f15165b406\
    af73c1c88d6e2b664cab8ed1028c4b42cc21fb6135ff5a2b9ef280284363383cc611225a1b00cb3ea8ad73d2f16a951a394adc5d191e60ac\
    84a3d18995fe9f5a493e005677100e0d9004c6ee6051c9971106c3c113060193";
const RSA_P: &str = "ea3167160d05a7eb1a985f14c1c9c3565a7aea312058aad62afed32762f969bc039e3c7c3d700f310e4bc4dc365b8a8a932a1c2eef11284d\
    d4c94d62f7e9c5dfef9f1a35bff699ea6cf0bc3714abef29ba29521eeab0b25f1ce55904a26c24b8bf48aafed848468368c3bdce2e7361e7\
    aeeab984969639a3c3f2125d81eb978d";
/// What follows from it: the other prime, the private exponents modulo either, and the coefficient.
const RSA_Q: &str = "d7cab3a3f522ebdf1205954eeca98ff84ea7d99f6b630600748c87e9831bb132e9d0b6bb10f4eccfb7b7c9997f1c\
    d5105d29d68347b7bd9e3c6d0b3bcc99557eb6d4d4451da4c44129f57504bf8bd762dabcacb1a0bd02427a517c0232e16b5b37ab1b282662\
    4b2fd986b91d9103082211477e95f39da6b5e155cc6d7d59a59f";
const RSA_DP: &str = "8a74eeb750b799511c061da08df9952d068d48cc068da562bd44aeddc85c20b0f18aa9c3e226d03476794147d833\
    42b32ed2649b32e7f7e61bf96f712594e651c0bf55a5957a5c0106ab44fb63934af066896b6dafdf0b75c405ac1d5b51885c596ac2fdac2c\
    fed34e2afb9a5c4807080c97e55a881504bad76bd483c7fddb39";
const RSA_DQ: &str = "16dfcac90f7c232aa33b6a475278eae4f459808d10920f99cec0f2cb42f59584031af7b3bea967cce0f99f6a20fa\
    4a6f90a095b796cb985304aebe6919580ba301f86f83e00f8e2a262b79bb061ee9b6f5ded823801968fae9026835c774f3af58a84f99a2ef\
    fa6e590d99e3d37251d362a784789ab95469a5383612491e4e9b";
const RSA_QINV: &str = "278e789ac21b4792c31e877c0267f372426ef7739f32dae472177f66df409daca7eb971f70789ef07694bff079ce\
    6ca971339cdb5f166f5fed2647d4407f07f067045fbefa7a724b374184016d5fbef7ae16882b3d203fc9ac9c95ee33a351b54a05532d0c68\
    40413094796739f9d6364aa94b362fb7394bba2a46d20ac63afc";
/// The key of RFC 6979, A.2.5.
const EC_D: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
const EC_X: &str = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
const EC_Y: &str = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// What a workload leaves loaded.
struct Workload {
    owner: Secret,
    sealed: Secret,
    sealed_auth: Secret,
    key_auth: Secret,
    hmac_key: Secret,
    rsa: Vec<Secret>,
    ecc: Secret,
    nv: Secret,
    nv_auth: Secret,
    wrong: Secret,
    handles: Vec<TpmHandle>,
}

const INDEX: TpmHandle = TpmHandle(0x0150_0001);

impl Workload {
    fn new() -> Self {
        Self {
            owner: secret("the owner's auth value"),
            sealed: secret("sealed data"),
            sealed_auth: secret("a sealed object's auth value"),
            key_auth: secret("a storage key's auth value"),
            hmac_key: secret("an HMAC key"),
            rsa: [("prime p", RSA_P), ("prime q", RSA_Q), ("dP", RSA_DP), ("dQ", RSA_DQ), ("qInv", RSA_QINV)]
                .map(|(name, hex)| Secret { name, bytes: bytes(hex) })
                .into(),
            ecc: Secret { name: "an ECC key", bytes: bytes(EC_D) },
            nv: secret("an NV index's data"),
            nv_auth: secret("an NV index's auth value"),
            wrong: secret("a wrong password"),
            handles: Vec::new(),
        }
    }

    /// What goes when objects are flushed and the index is undefined.
    fn flushed(&self) -> Vec<&Secret> {
        let Self { sealed, sealed_auth, key_auth, hmac_key, rsa, ecc, nv, nv_auth, wrong, .. } = self;
        [wrong, sealed, sealed_auth, key_auth, hmac_key, ecc, nv, nv_auth].into_iter().chain(rsa).collect()
    }

    fn all(&self) -> Vec<&Secret> {
        let mut all = self.flushed();
        all.push(&self.owner);
        all
    }

    /// Uses everything, and leaves all of it in the TPM. By password over one protocol, by HMAC sessions over the other.
    fn run(&mut self, tpm: &mut Tpm, by_session: bool) {
        tpm.hierarchy_change_auth(OWNER, &self.owner.bytes).unwrap();
        tpm.set_auth(OWNER, &self.owner.bytes);
        let public = TpmsNvPublic {
            nv_index: TpmiRhNvIndex(INDEX.0),
            name_alg: TpmiAlgHash::Sha256,
            attributes: TpmaNv::AUTHWRITE | TpmaNv::AUTHREAD,
            auth_policy: Default::default(),
            data_size: 32,
        };
        tpm.nv_define(OWNER, &public, &self.nv_auth.bytes).unwrap();
        tpm.set_auth(INDEX, &self.nv_auth.bytes);
        tpm.nv_write(INDEX, INDEX, &self.nv.bytes).unwrap();
        assert_eq!(tpm.nv_read(INDEX, INDEX).unwrap(), self.nv.bytes);

        let parent = tpm.create_primary(OWNER, &templates::srk_p256(), &self.key_auth.bytes).unwrap();
        tpm.set_auth(parent.handle, &self.key_auth.bytes);
        self.handles.push(parent.handle);
        let mut session = by_session
            .then(|| tpm.start_session(&SessionOptions::hmac().salted(parent.handle, &parent.public)).unwrap());

        let made =
            tpm.create(parent.handle, &templates::sealed(), &self.sealed_auth.bytes, &self.sealed.bytes).unwrap();
        let sealed = tpm.load(parent.handle, &made.private, &made.public).unwrap().handle;
        tpm.set_auth(sealed, &self.sealed_auth.bytes);
        self.handles.push(sealed);

        let mut template = templates::sealed();
        template.object_attributes = template.object_attributes | TpmaObject::SIGN_ENCRYPT;
        template.kind = PublicKind::Keyedhash(
            TpmsKeyedhashParms { scheme: Some(TpmtKeyedhashScheme::Hmac(TpmiAlgHash::Sha256)) },
            Tpm2bDigest::default(),
        );
        let made = tpm.create(parent.handle, &template, b"", &self.hmac_key.bytes).unwrap();
        let key = tpm.load(parent.handle, &made.private, &made.public).unwrap().handle;
        self.handles.push(key);
        let command =
            Hmac { handle: TpmiDhObject(key.0), buffer: Tpm2bMaxBuffer::from_slice(b"data").unwrap(), hash_alg: None };
        tpm.run(&command).unwrap();
        // A wrong password is a secret too: somebody's right one for something else.
        assert!(tpm.unseal(sealed, &mut [Auth::Password(&self.wrong.bytes)]).is_err());
        let auth = match &mut session {
            Some(session) => Auth::Session(session),
            None => Auth::Password(&self.sealed_auth.bytes),
        };
        assert_eq!(*tpm.unseal(sealed, &mut [auth]).unwrap(), self.sealed.bytes);
        self.handles.extend(session.map(|session| session.handle()));
    }

    /// Keys from outside, with their private halves, each used.
    fn external(&mut self, tpm: &mut Tpm) {
        let mut rsa = templates::signing_key(KeyType::Rsa(2048), false);
        if let PublicKind::Rsa(_, unique) = &mut rsa.kind {
            *unique = Tpm2bPublicKeyRsa::from_slice(&bytes(RSA_N)).unwrap();
        }
        let prime = TpmuSensitiveComposite::Rsa(Tpm2bPrivateKeyRsa::from_slice(&bytes(RSA_P)).unwrap());
        let mut ecc = templates::signing_key(KeyType::Ecc(TpmEccCurve::NistP256), false);
        if let PublicKind::Ecc(_, unique) = &mut ecc.kind {
            let parameter = |hex| Tpm2bEccParameter::from_slice(&bytes(hex)).unwrap();
            *unique = TpmsEccPoint { x: parameter(EC_X), y: parameter(EC_Y) };
        }
        let scalar = TpmuSensitiveComposite::Ecc(Tpm2bEccPrivate::from_slice(&bytes(EC_D)).unwrap());
        let rsassa = TpmtSigScheme::Rsassa(TpmiAlgHash::Sha256);
        let ecdsa = TpmtSigScheme::Ecdsa(TpmiAlgHash::Sha256);
        for (mut public, value, scheme) in [(rsa, prime, rsassa), (ecc, scalar, ecdsa)] {
            public.object_attributes = TpmaObject::USER_WITH_AUTH | TpmaObject::SIGN_ENCRYPT;
            let sensitive =
                TpmtSensitive { auth_value: Tpm2bAuth::default(), seed_value: SeedValue::default(), sensitive: value };
            let loaded = tpm
                .run(&LoadExternal {
                    in_private: Tpm2bOption(Some(sensitive)),
                    in_public: Tpm2b(TpmtPublicPlus(public.clone())),
                    hierarchy: TpmiRhHierarchy(TpmHandle::NULL.0),
                })
                .unwrap();
            let handle = TpmHandle(loaded.object_handle.0);
            tpm.set_name(handle, &loaded.name);
            self.handles.push(handle);
            for _ in 0..3 {
                tpm.sign(handle, &[7; 32], Some(scheme.clone()), None, &mut [Auth::Password(b"")]).unwrap();
            }
        }
    }

    /// Through another connection, so that what the first one left in its buffers and on its thread's stack stays.
    fn flush(&mut self, mut tpm: Tpm) {
        tpm.set_auth(OWNER, &self.owner.bytes);
        for handle in self.handles.drain(..) {
            tpm.flush(handle).unwrap();
        }
        tpm.nv_undefine(OWNER, INDEX).unwrap();
    }
}

fn started(folder: &Folder) -> (Daemon, Vec<Secret>) {
    let device = secret("the device value");
    fs::write(folder.join("device"), &device.bytes).unwrap();
    let source = format!("file:{}", folder.join("device").display());
    // Debuggable, so that the test need not be root to look; its sandbox is the same.
    let daemon = Daemon::start(folder, &["--debuggable", "--device-source", &source]);
    let product = fs::read(folder.join("state.product-secret")).unwrap();
    assert!(product.len() >= 32);
    (daemon, vec![device, Secret { name: "the product secret", bytes: product }])
}

#[test]
fn what_was_flushed_cleared_or_switched_off_is_gone() {
    let folder = Folder::new();
    let (daemon, anchors) = started(&folder);
    let mut logged = Vec::new();
    assert_gone("before the first command", &daemon, &anchors.iter().collect::<Vec<_>>());
    daemon.mssim().startup(TpmSu::Clear).unwrap();
    for by_session in [false, true] {
        let mut tpm = if by_session { daemon.mssim() } else { daemon.swtpm() };
        let mut load = Workload::new();
        load.run(&mut tpm, by_session);
        let loaded = [&load.owner, &load.sealed, &load.sealed_auth, &load.key_auth, &load.hmac_key];
        assert_there("with everything loaded", &daemon, &loaded);
        assert_gone("when it was refused", &daemon, &[&load.wrong]);
        load.flush(daemon.mssim());
        assert_gone("after the flush and the index's end", &daemon, &load.flushed());

        let mut external = Workload::new();
        external.external(&mut tpm);
        assert_there("with keys from outside", &daemon, &[&external.rsa[0], &external.ecc]);
        let mut other = daemon.swtpm();
        for handle in external.handles.drain(..) {
            other.flush(handle).unwrap();
        }
        drop(other);
        assert_gone("after the flush of keys from outside", &daemon, &external.flushed());

        tpm.set_auth(TpmHandle::LOCKOUT, b"");
        tpm.clear(TpmHandle::LOCKOUT).unwrap();
        assert_gone("after TPM2_Clear", &daemon, &load.all());
        tpm.set_auth(OWNER, b"");

        // Again, and now the power goes.
        let mut load = Workload::new();
        load.run(&mut tpm, by_session);
        load.external(&mut tpm);
        let mut control = UnixStream::connect(folder.join("s.ctrl")).unwrap();
        control.write_all(&[0, 0, 0, 14]).unwrap();
        let mut answer = [0xff; 4];
        control.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0; 4], "STOP");
        // What is in NV stays in the store's hands; the objects were only in memory.
        let stays = [load.nv.name, load.nv_auth.name];
        let volatile: Vec<_> = load.flushed().into_iter().filter(|secret| !stays.contains(&secret.name)).collect();
        assert_gone("after power-off", &daemon, &volatile);
        control.write_all(&[0, 0, 0, 2, 0, 0, 0, 0]).unwrap();
        control.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0; 4], "INIT");
        tpm.startup(TpmSu::Clear).unwrap();
        tpm.set_auth(OWNER, &load.owner.bytes);
        tpm.nv_undefine(OWNER, INDEX).unwrap();
        tpm.clear(TpmHandle::LOCKOUT).unwrap();
        tpm.set_auth(OWNER, b"");
        assert_gone("after power-off and TPM2_Clear", &daemon, &load.all());
        logged.push(load);
    }
    assert_gone("at the end", &daemon, &anchors.iter().collect::<Vec<_>>());
    let (status, log) = daemon.end("TERM");
    assert!(status.success(), "{status}: {log}");
    assert!(log.matches("command").count() > 50, "the log is not verbose: {log}");
    let secrets: Vec<_> = logged.iter().flat_map(Workload::all).chain(&anchors).collect();
    assert_not_logged(&log, &secrets);
}
