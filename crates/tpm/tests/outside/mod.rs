//! OpenSSL's command line, which judges our signatures and encrypts to our keys; and what tests of loaded keys share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod ecc;

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    process::{Command as Process, Stdio, id},
    sync::atomic::{AtomicU32, Ordering},
};

use ironroot_wire::*;

use crate::templates::keys::bytes;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A file that is gone when its owner is.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(contents: &[u8]) -> Self {
        let path = env::temp_dir().join(format!("ironroot-test-{}-{}", id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::write(&path, contents).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

pub fn openssl(arguments: &[&str], input: &[u8]) -> (bool, Vec<u8>) {
    let mut process = Process::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test needs the openssl program");
    process.stdin.take().unwrap().write_all(input).unwrap();
    let output = process.wait_with_output().unwrap();
    (output.status.success(), output.stdout)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What OpenSSL makes of a message with a block cipher, without padding.
pub fn openssl_encrypt(cipher: &str, key: &[u8], iv: &[u8], message: &[u8]) -> Vec<u8> {
    let (cipher, key, iv) = (format!("-{cipher}"), hex(key), hex(iv));
    let mut arguments = vec!["enc", &cipher, "-e", "-nopad", "-K", &key];
    if !iv.is_empty() {
        arguments.extend(["-iv", &iv]);
    }
    let (done, output) = openssl(&arguments, message);
    assert!(done, "{cipher}");
    output
}

/// OpenSSL's CMAC.
pub fn openssl_cmac(cipher: &str, key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = format!("hexkey:{}", hex(key));
    let message = Scratch::new(message);
    let arguments = ["mac", "-cipher", cipher, "-macopt", &key, "-in", message.path(), "CMAC"];
    let (done, output) = openssl(&arguments, &[]);
    assert!(done, "{cipher}");
    bytes(String::from_utf8(output).unwrap().trim())
}

/// The SubjectPublicKeyInfo of an RSA-2048 key or of one on a curve that OpenSSL has.
pub fn spki(public: &TpmtPublic) -> Vec<u8> {
    match &public.kind {
        PublicKind::Rsa(_, modulus) => {
            let head = "30820122300d06092a864886f70d01010105000382010f003082010a0282010100";
            [bytes(head), modulus.to_vec(), bytes("0203010001")].concat()
        }
        PublicKind::Ecc(parms, point) => ecc::spki(parms.curve_id, &point.x, &point.y),
        _ => panic!("not a public key"),
    }
}

/// Whether OpenSSL accepts a self-signed certificate, in DER.
pub fn is_good_certificate(certificate: &[u8]) -> bool {
    let (converted, pem) = openssl(&["x509", "-inform", "der"], certificate);
    let file = Scratch::new(&pem);
    converted && openssl(&["verify", "-check_ss_sig", "-CAfile", file.path(), file.path()], &[]).0
}

pub fn integer(number: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = number.iter().copied().skip_while(|digit| *digit == 0).collect();
    let sign = if digits.first().is_none_or(|top| *top >= 0x80) { vec![0] } else { vec![] };
    [vec![2, (sign.len() + digits.len()) as u8], sign, digits].concat()
}

/// Whether OpenSSL accepts the signature of a message with this key.
pub fn verifies(public: &TpmtPublic, message: &[u8], signature: &TpmtSignature) -> bool {
    let (hash, signature, options): (_, _, &[&str]) = match signature {
        TpmtSignature::Rsassa(signed) => (signed.hash, signed.sig.to_vec(), &[]),
        TpmtSignature::Rsapss(signed) => {
            (signed.hash, signed.sig.to_vec(), &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1"])
        }
        TpmtSignature::Ecdsa(signed) => {
            let both = [integer(&signed.signature_r), integer(&signed.signature_s)].concat();
            (signed.hash, ecc::der(0x30, &both), &[])
        }
        _ => panic!("not a signature that OpenSSL verifies from a digest"),
    };
    let (key, signature) = (Scratch::new(&spki(public)), Scratch::new(&signature));
    let hash = match hash {
        TpmiAlgHash::Sha1 => "-sha1",
        TpmiAlgHash::Sha256 => "-sha256",
        TpmiAlgHash::Sha384 => "-sha384",
        TpmiAlgHash::Sha512 => "-sha512",
        TpmiAlgHash::Sm3_256 => "-sm3",
        TpmiAlgHash::Sha3_256 => "-sha3-256",
        TpmiAlgHash::Sha3_384 => "-sha3-384",
        TpmiAlgHash::Sha3_512 => "-sha3-512",
    };
    let arguments =
        [&["dgst", hash, "-keyform", "DER", "-verify", key.path(), "-signature", signature.path()], options].concat();
    openssl(&arguments, message).0
}

/// Encrypts with OpenSSL to an RSA key.
pub fn encrypt(public: &TpmtPublic, message: &[u8], options: &[&str]) -> Vec<u8> {
    let key = Scratch::new(&spki(public));
    let arguments = [&["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", key.path()], options].concat();
    let (success, out) = openssl(&arguments, message);
    assert!(success, "openssl encrypts");
    out
}

/// `TPM2_LoadExternal`; a pair goes into the NULL hierarchy.
pub fn load_external(public: TpmtPublic, private: Option<TpmtSensitive>, hierarchy: u32) -> LoadExternal {
    LoadExternal {
        in_private: Tpm2bOption(private),
        in_public: Tpm2b(TpmtPublicPlus(public)),
        hierarchy: TpmiRhHierarchy(hierarchy),
    }
}

/// A public area with other attributes.
pub fn with(mut public: TpmtPublic, attributes: TpmaObject) -> TpmtPublic {
    public.object_attributes = attributes;
    public
}

/// An RSA public area with another scheme.
pub fn with_rsa_scheme(mut public: TpmtPublic, scheme: Option<TpmtRsaScheme>) -> TpmtPublic {
    if let PublicKind::Rsa(parms, _) = &mut public.kind {
        parms.scheme = scheme;
    }
    public
}

/// An ECC public area with another scheme.
pub fn with_ecc_scheme(mut public: TpmtPublic, scheme: Option<TpmtEccScheme>) -> TpmtPublic {
    if let PublicKind::Ecc(parms, _) = &mut public.kind {
        parms.scheme = scheme;
    }
    public
}

/// A keyed hash with another scheme.
pub fn with_keyedhash_scheme(mut public: TpmtPublic, scheme: Option<TpmtKeyedhashScheme>) -> TpmtPublic {
    if let PublicKind::Keyedhash(parms, _) = &mut public.kind {
        parms.scheme = scheme;
    }
    public
}

/// The NULL hashcheck ticket.
pub fn no_ticket() -> TpmtTkHashcheck {
    TpmtTkHashcheck { tag: TpmSt::Hashcheck, hierarchy: TpmiRhHierarchy(0x4000_0007), digest: Tpm2bDigest::default() }
}
