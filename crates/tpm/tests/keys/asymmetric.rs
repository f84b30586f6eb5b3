//! RSA encryption and ECDH through bytes, beside libtpms and OpenSSL.

use crate::common::{self, TestTpm, password};
use crate::outside::*;
use crate::peer::Both;
use crate::templates::{keys::*, *};
use ironroot_wire::*;

const KEY: TpmiDhObject = TpmiDhObject(0x8000_0000);
const SHA256: TpmiAlgHash = TpmiAlgHash::Sha256;

fn encrypt_command(message: &[u8], in_scheme: Option<TpmtRsaDecrypt>, label: &[u8]) -> RsaEncrypt {
    RsaEncrypt {
        key_handle: KEY,
        message: Tpm2bRsaMessage::from_slice(message).unwrap(),
        in_scheme,
        label: Tpm2bData::from_slice(label).unwrap(),
    }
}

fn decrypt_command(cipher_text: &[u8], in_scheme: Option<TpmtRsaDecrypt>, label: &[u8]) -> RsaDecrypt {
    RsaDecrypt {
        key_handle: KEY,
        cipher_text: Tpm2bPublicKeyRsa::from_slice(cipher_text).unwrap(),
        in_scheme,
        label: Tpm2bData::from_slice(label).unwrap(),
    }
}

fn rsa_decryption_key(scheme: Option<TpmtRsaScheme>) -> TpmtPublic {
    with_rsa_scheme(with(rsa_public(), PLAIN | A::DECRYPT), scheme)
}

fn both_with(public: TpmtPublic, private: Option<TpmtSensitive>) -> Both {
    let mut both = Both::started();
    assert_eq!(both.same(&load_external(public, private, NULL), &[]).unwrap().object_handle, KEY.into());
    both
}

fn auth() -> [TpmsAuthCommand; 1] {
    [password(b"")]
}

#[test]
fn raw_rsa_is_the_same_number_on_both() {
    let mut both = both_with(rsa_decryption_key(None), Some(rsa_private()));
    for message in [&[][..], &[1], &[0x42; 100], &[0x12; 256]] {
        let encrypted = both.same(&encrypt_command(message, None, b""), &[]).unwrap().out_data;
        let decrypted = both.same(&decrypt_command(&encrypted, None, b""), &auth()).unwrap().message;
        assert_eq!(decrypted.as_slice(), [&vec![0; 256 - message.len()], message].concat());
    }
}

#[test]
fn what_openssl_encrypts_decrypts_on_both() {
    let public = rsa_decryption_key(None);
    let mut both = both_with(public.clone(), Some(rsa_private()));
    let oaep = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"];
    let labelled = [&oaep[..], &["-pkeyopt", "rsa_oaep_label:4c4142454c00"]].concat();
    let rows: [(&[&str], _, &[u8]); 3] = [
        (&[], TpmtRsaDecrypt::Rsaes(()), b""),
        (&oaep, TpmtRsaDecrypt::Oaep(SHA256), b""),
        (&labelled, TpmtRsaDecrypt::Oaep(SHA256), b"LABEL\0"),
    ];
    for (options, scheme, label) in rows {
        for message in [&b""[..], b"attack at dawn"] {
            let encrypted = encrypt(&public, message, options);
            let decrypted = both.same(&decrypt_command(&encrypted, Some(scheme.clone()), label), &auth()).unwrap();
            assert_eq!(decrypted.message.as_slice(), message);
        }
    }
}

#[test]
fn what_one_encrypts_the_other_decrypts() {
    let mut both = both_with(rsa_decryption_key(None), Some(rsa_private()));
    let schemes = [TpmtRsaDecrypt::Rsaes(()), TpmtRsaDecrypt::Oaep(TpmiAlgHash::Sha1), TpmtRsaDecrypt::Oaep(SHA256)];
    for scheme in schemes {
        let command = encrypt_command(b"across", Some(scheme.clone()), b"L\0");
        let (ours, theirs) = both.both(&command, &[]);
        for encrypted in [ours.unwrap().out_data, theirs.unwrap().out_data] {
            let command = decrypt_command(&encrypted, Some(scheme.clone()), b"L\0");
            assert_eq!(both.same(&command, &auth()).unwrap().message.as_slice(), b"across");
        }
    }
}

/// Table 42, for keys with each scheme.
#[test]
fn the_scheme_of_the_key_goes_before_the_callers() {
    let own = [None, Some(TpmtRsaScheme::Rsaes(())), Some(TpmtRsaScheme::Oaep(SHA256))];
    let wanted = [
        None,
        Some(TpmtRsaDecrypt::Rsaes(())),
        Some(TpmtRsaDecrypt::Oaep(SHA256)),
        Some(TpmtRsaDecrypt::Oaep(TpmiAlgHash::Sha1)),
    ];
    for (row, own) in own.into_iter().enumerate() {
        let mut both = both_with(rsa_decryption_key(own), Some(rsa_private()));
        for (column, wanted) in wanted.iter().enumerate() {
            let allowed = row == 0 || column == 0 || row == column;
            let (ours, _) = both.same_code(&encrypt_command(b"message", wanted.clone(), b""), &[]);
            match ours {
                Ok(encrypted) => {
                    assert!(allowed, "{row} {column}");
                    let decrypted = both.same(&decrypt_command(&encrypted.out_data, wanted.clone(), b""), &auth());
                    assert!(decrypted.unwrap().message.ends_with(b"message"));
                }
                Err(rc) => {
                    assert!(!allowed, "{row} {column}");
                    assert_eq!(rc, TpmRc::SCHEME.parameter(2));
                    let refused = both.same(&decrypt_command(&[1; 256], wanted.clone(), b""), &auth());
                    assert_eq!(refused, Err(TpmRc::SCHEME.parameter(2)));
                }
            }
        }
    }
}

/// The code is the peer's; the position is ours. Where OpenSSL refuses below libtpms, that says `TPM_RC_FAILURE` instead
/// of the specification's code, and goes on working.
#[track_caller]
fn assert_same_kind<T, U>(ours: &Result<T, TpmRc>, theirs: &Result<U, TpmRc>) {
    let (ours, theirs) = (ours.as_ref().err().map(|rc| rc.base()), theirs.as_ref().err().map(|rc| rc.base()));
    assert!(ours == theirs || (ours == Some(TpmRc::VALUE) && theirs == Some(TpmRc::FAILURE)), "{ours:?} {theirs:?}");
}

#[test]
fn errors_of_rsa_encryption() {
    let mut both = both_with(rsa_decryption_key(None), Some(rsa_private()));
    let oaep = || Some(TpmtRsaDecrypt::Oaep(SHA256));
    let rsaes = || Some(TpmtRsaDecrypt::Rsaes(()));
    let mut encrypts = |message: &[u8], scheme: Option<TpmtRsaDecrypt>, label: &[u8]| {
        let (ours, theirs) = both.both(&encrypt_command(message, scheme, label), &[]);
        assert_same_kind(&ours, &theirs);
        ours.map(|_| ())
    };
    assert_eq!(encrypts(&[1; 190], oaep(), b""), Ok(()));
    assert_eq!(encrypts(&[1; 191], oaep(), b""), Err(TpmRc::VALUE.parameter(1)));
    assert_eq!(encrypts(&[1; 245], rsaes(), b""), Ok(()));
    assert_eq!(encrypts(&[1; 246], rsaes(), b""), Err(TpmRc::VALUE.parameter(1)));
    assert_eq!(encrypts(b"m", oaep(), b"no zero"), Err(TpmRc::VALUE.parameter(3)));
    assert_eq!(encrypts(b"m", rsaes(), b"no zero"), Err(TpmRc::VALUE.parameter(3)));
    assert_eq!(encrypts(b"m", oaep(), b"\0"), Ok(()));
    let mut ours = TestTpm::started();
    ours.run(&load_external(rsa_public(), None, NULL)).unwrap();
    // Larger than the modulus, which starts with c5; a signing key is as good as any for its public half.
    let unscheduled = with_rsa_scheme(rsa_public(), None);
    let loaded = ours.run(&load_external(unscheduled, None, NULL)).unwrap();
    let mut command = encrypt_command(&[0xC6; 256], None, b"");
    command.key_handle = TpmiDhObject(loaded.object_handle.0);
    assert_eq!(ours.run(&command), Err(TpmRc::VALUE.parameter(1)));
    command.message = Tpm2bRsaMessage::from_slice(&[0xC4; 256]).unwrap();
    assert!(ours.run(&command).is_ok());
    command.message = Tpm2bRsaMessage::from_slice(&[0; 257]).unwrap();
    assert_eq!(ours.run(&command), Err(TpmRc::VALUE.parameter(1)));
    command.key_handle = KEY;
    command.message = Tpm2bRsaMessage::from_slice(b"m").unwrap();
    assert_eq!(ours.run(&command), Err(TpmRc::SCHEME.parameter(2)), "the key's scheme is one of signatures");
    ours.run(&load_external(ec_public(), None, NULL)).unwrap();
    command.key_handle = TpmiDhObject(KEY.0 + 2);
    assert_eq!(ours.run(&command), Err(TpmRc::KEY.handle(1)));
}

#[test]
fn errors_of_rsa_decryption() {
    let mut both = both_with(rsa_decryption_key(None), Some(rsa_private()));
    let oaep = || Some(TpmtRsaDecrypt::Oaep(SHA256));
    let mut decrypts = |bytes: &[u8], scheme: Option<TpmtRsaDecrypt>, label: &[u8]| {
        let (ours, theirs) = both.both(&decrypt_command(bytes, scheme, label), &auth());
        assert_same_kind(&ours, &theirs);
        ours.map(|_| ())
    };
    let good = encrypt(
        &rsa_decryption_key(None),
        b"m",
        &["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"],
    );
    assert_eq!(decrypts(&good, oaep(), b""), Ok(()));
    assert_eq!(decrypts(&good[1..], oaep(), b""), Err(TpmRc::SIZE.parameter(1)));
    assert_eq!(decrypts(&[&[0], &good[..]].concat(), oaep(), b""), Err(TpmRc::SIZE.parameter(1)));
    assert_eq!(decrypts(&good, oaep(), b"other\0"), Err(TpmRc::VALUE.parameter(1)));
    assert_eq!(decrypts(&good, oaep(), b"other"), Err(TpmRc::VALUE.parameter(3)));
    assert_eq!(decrypts(&[7; 256], oaep(), b""), Err(TpmRc::VALUE.parameter(1)));
    assert_eq!(decrypts(&[7; 256], Some(TpmtRsaDecrypt::Rsaes(())), b""), Err(TpmRc::VALUE.parameter(1)));

    for (public, private, rc) in
        [(ec_public(), ec_private(), TpmRc::KEY), (rsa_public(), rsa_private(), TpmRc::ATTRIBUTES)]
    {
        let mut both = both_with(public, Some(private));
        assert_eq!(both.same(&decrypt_command(&[7; 256], None, b""), &auth()), Err(rc.handle(1)));
    }
    let mut ours = TestTpm::started();
    ours.run_auth(&create_primary(OWNER, rsa_srk())).unwrap();
    assert_eq!(ours.run_auth(&decrypt_command(&[7; 256], None, b"")), Err(TpmRc::ATTRIBUTES.handle(1)));
    ours.run(&load_external(rsa_decryption_key(None), None, OWNER)).unwrap();
    let command = RsaDecrypt { key_handle: TpmiDhObject(KEY.0 + 1), ..decrypt_command(&[7; 256], None, b"") };
    assert_eq!(ours.run_auth(&command), Err(TpmRc::AUTH_UNAVAILABLE));
}

fn ecdh_key(scheme: Option<TpmtEccScheme>) -> TpmtPublic {
    with_ecc_scheme(with(ec_public(), PLAIN | A::DECRYPT), scheme)
}

#[test]
fn both_agree_on_a_shared_point_in_both_directions() {
    for scheme in [None, Some(TpmtEccScheme::Ecdh(SHA256))] {
        let mut both = both_with(ecdh_key(scheme), Some(ec_private()));
        let (ours, theirs) = both.both(&EcdhKeyGen { key_handle: KEY }, &[]);
        for made in [ours.unwrap(), theirs.unwrap()] {
            let recovered = both.same(&EcdhZGen { key_handle: KEY, in_point: made.pub_point }, &auth()).unwrap();
            assert_eq!(recovered.out_point, made.z_point);
        }
    }
}

#[test]
fn errors_of_ecdh() {
    let mut both = both_with(ecdh_key(None), Some(ec_private()));
    let off = ec_point(&bytes(EC_X), &bytes(EC_X));
    let zero = ec_point(&[0; 32], &[0; 32]);
    let empty = ec_point(&[], &[]);
    let long = ec_point(&[0xFF; 33], &bytes(EC_Y));
    for point in [off, zero, empty, long] {
        let result = both.ours.run_auth(&EcdhZGen { key_handle: KEY, in_point: Tpm2b(point) });
        assert_eq!(result, Err(TpmRc::ECC_POINT.parameter(1)));
    }
    let off = Tpm2b(ec_point(&bytes(EC_X), &bytes(EC_X)));
    assert_eq!(both.same(&EcdhZGen { key_handle: KEY, in_point: off }, &auth()), Err(TpmRc::ECC_POINT.parameter(1)));

    let point = || Tpm2b(ec_point(&bytes(EC_X), &bytes(EC_Y)));
    let mut both = both_with(rsa_public(), Some(rsa_private()));
    assert_eq!(both.same(&EcdhKeyGen { key_handle: KEY }, &[]), Err(TpmRc::KEY.handle(1)));
    assert_eq!(both.same(&EcdhZGen { key_handle: KEY, in_point: point() }, &auth()), Err(TpmRc::KEY.handle(1)));
    let mut both = both_with(ec_public(), Some(ec_private()));
    let command = EcdhZGen { key_handle: KEY, in_point: point() };
    assert_eq!(both.same(&command, &auth()), Err(TpmRc::ATTRIBUTES.handle(1)));
    let mut ours = TestTpm::started();
    ours.run_auth(&create_primary(OWNER, ecc_srk())).unwrap();
    assert_eq!(ours.run_auth(&command), Err(TpmRc::ATTRIBUTES.handle(1)));
    assert_eq!(ours.run(&EcdhKeyGen { key_handle: KEY }).map(|_| ()), Ok(()), "needs the public half only");
}

#[test]
fn the_curves_parameters_are_libtpms() {
    let mut both = Both::started();
    use TpmEccCurve::{BnP256, BnP638, NistP192, NistP224, NistP256, NistP384, NistP521, Sm2P256};
    for curve_id in [NistP192, NistP224, NistP256, NistP384, NistP521, BnP256, BnP638, Sm2P256] {
        let (ours, theirs) = both.both(&EccParameters { curve_id }, &[]);
        let (ours, theirs) = (ours.unwrap().parameters, theirs.unwrap().parameters);
        assert_eq!((ours.curve_id, ours.key_size), (theirs.curve_id, theirs.key_size));
        let numbers = |p: &TpmsAlgorithmDetailEcc| -> Vec<Vec<u8>> {
            let strip = |number: &[u8]| number.iter().copied().skip_while(|digit| *digit == 0).collect();
            [&p.p, &p.a, &p.b, &p.g_x, &p.g_y, &p.n, &p.h].map(|number| strip(number)).to_vec()
        };
        assert_eq!(numbers(&ours), numbers(&theirs));
    }
    let unknown = common::frame(TpmSt::NoSessions, 0x178, &[0, 0x7F]);
    assert_eq!(common::rc(&both.ours.raw(&unknown)), TpmRc::CURVE.parameter(1));
}
