//! Values of parameters, by the names of their types.

use super::Generator;
use crate::{
    bytes::Bytes,
    entities::{self, ENDORSEMENT, OWNER, PLATFORM, PLATFORM_NV},
    keys,
    public::{self, *},
    world::World,
};

impl Generator {
    /// Bytes of a value of this type.
    pub fn value(&mut self, world: &World, type_name: &str) -> Vec<u8> {
        if let Some(inner) = type_name.strip_prefix("Option<").and_then(|name| name.strip_suffix('>')) {
            if self.dice.one_in(3) {
                return null_of(inner);
            }
            return self.value(world, inner);
        }
        if let Some(inner) = type_name.strip_prefix("Tpm2bOption<").and_then(|name| name.strip_suffix('>')) {
            if self.dice.one_in(3) {
                return vec![0, 0];
            }
            let value = self.value(world, inner);
            return Bytes::new().sized(&value).0;
        }
        if let Some(inner) = type_name.strip_prefix("Tpm2b<").and_then(|name| name.strip_suffix('>')) {
            let value = self.value(world, inner);
            return Bytes::new().sized(&value).0;
        }
        if type_name.starts_with("Tpm2b") || type_name == "CertInfo" {
            return self.buffer(type_name);
        }
        let word = self.dice.word();
        match type_name {
            "u8" => vec![self.dice.pick(&[0, 1, 2, 16, 255])],
            "u16" => self.dice.pick(&[0u16, 0, 1, 4, 8, 16, 32, 64, 65, 1024, 0xFFFF]).to_be_bytes().to_vec(),
            "u32" | "i32" => self.dice.pick(&[0u32, 0, 1, 2, 10, 1000, 0x8000_0000, u32::MAX]).to_be_bytes().to_vec(),
            "u64" => self.dice.pick(&[0, 1, 0x8000_0000_0000_0000, u64::MAX, word, word >> 40]).to_be_bytes().to_vec(),
            "TpmiYesNo" => vec![if self.dice.one_in(30) { 2 } else { self.dice.below(2) as u8 }],
            "TpmSu" => vec![0, self.dice.pick(&[0, 1, 0, 1, 2])],
            "TpmSe" => vec![self.dice.pick(&[0, 1, 1, 3, 2])],
            "TpmEo" => vec![0, self.dice.below(13) as u8],
            "TpmClockAdjust" => vec![self.dice.pick(&[0xFC, 0xFD, 0xFE, 0xFF, 0, 1, 2, 3, 4])],
            "TpmaLocality" => vec![self.dice.pick(&[0, 1, 1, 2, 3, 16, 31, 32, 33, 255])],
            "TpmCap" => self.dice.pick(&[0u32, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x100]).to_be_bytes().to_vec(),
            "TpmCc" => {
                let codes = self.commands.clone();
                let code = self.dice.pick(&codes);
                self.dice.pick(&[code, code, code, 0x11E, 0x1FF]).to_be_bytes().to_vec()
            }
            "TpmEccCurve" => {
                let curves = self.curves.clone();
                let curve = self.dice.pick(&curves);
                self.dice.pick(&[curve, curve, curve, 9, 0x7FFF]).to_be_bytes().to_vec()
            }
            "TpmiAlgHash" => self.hash().to_be_bytes().to_vec(),
            "TpmiAlgSymMode" => self.algorithm(&[0x40, 0x41, 0x42, 0x43, 0x44, 0x3F]).to_be_bytes().to_vec(),
            "TpmiRhHierarchy" => {
                self.dice.pick(&[OWNER, NULL_HANDLE, PLATFORM, ENDORSEMENT, 0x4000_0002]).to_be_bytes().to_vec()
            }
            "TpmiRhEnables" => {
                self.dice.pick(&[OWNER, ENDORSEMENT, PLATFORM_NV, PLATFORM, NULL_HANDLE]).to_be_bytes().to_vec()
            }
            "TpmiDhPersistent" => {
                let number = self.dice.below(4) as u32;
                self.dice.pick(&[0x8100_0002 + number, 0x8180_0000 + number, 0x8000_0000]).to_be_bytes().to_vec()
            }
            "TpmiDhContext" => self
                .dice
                .pick(&[0x8000_0009u32, 0x80FF_FFFF, 0x0200_003F, 0x0300_003F, 0x0300_1001])
                .to_be_bytes()
                .to_vec(),
            "TpmtSymDef" => self.sym_def(true),
            "TpmtSymDefObject" => self.sym_def(false),
            "TpmtSigScheme" => self.sig_scheme(),
            "TpmtRsaDecrypt" => {
                let hash = self.hash();
                self.dice.pick(&[Bytes::new().u16(RSAES), Bytes::new().u16(OAEP).u16(hash)]).0
            }
            "TpmtSignature" => self.signature(),
            "TpmtPublicParms" => {
                let public = self.template(None);
                Bytes::new().u16(public.alg).raw(&public.parms).0
            }
            "TpmtPublic" | "TpmtPublicPlus" => self.template(None).bytes(),
            "TpmtSensitive" => self.any_key().sensitive(),
            "TpmsSensitiveCreate" => self.sensitive_create(0),
            "TpmsEccPoint" => {
                let curve = self.known_curve();
                keys::ecc(0, None, NULL_ALG, SHA256, curve).public.unique
            }
            "TpmsNvPublic" => self.nv_public(world),
            "TpmtNvPublic2" => {
                let kind = if self.dice.one_in(8) { self.dice.pick(&[0x11, 0x12, 0]) } else { 1 };
                Bytes::new().u8(kind).raw(&self.nv_public(world)).0
            }
            "TpmtKdfScheme" => {
                let hash = self.hash();
                Bytes::new().u16(self.dice.pick(&[0x07, 0x20, 0x21, 0x22])).u16(hash).0
            }
            "TpmiEccKeyExchange" => self.dice.pick(&[ECDH, 0x1D, SM2, NULL]).to_be_bytes().to_vec(),
            "TpmiAlgMacScheme" => self.dice.pick(&[SHA256, SHA384, CMAC]).to_be_bytes().to_vec(),
            "TpmiAlgCipherMode" => self.algorithm(&[0x40, 0x41, 0x42, 0x43, 0x44, 0x3F]).to_be_bytes().to_vec(),
            "TpmlPcrSelection" => self.pcr_selection(),
            "TpmlDigest" => {
                let size = digest_size(self.hash());
                let count = self.dice.pick(&[0, 1, 2, 3, 8, 9]);
                let digest = self.dice.bytes(size);
                let list = Bytes::new().u32(count);
                (0..count).fold(list, |list, _| list.sized(&digest)).0
            }
            "TpmlDigestValues" => self.digest_values(),
            "TpmlAlg" => {
                let list = [1u16, 4, 5, 6, 8, 0xB, 0x14, 0x18, 0x23, 0x25, 0x43, 0x7F];
                let count = self.dice.below(5);
                (0..count).fold(Bytes::new().u32(count as u32), |out, _| out.u16(self.dice.pick(&list))).0
            }
            "TpmlCc" => {
                let codes = self.commands.clone();
                let count = self.dice.below(5);
                (0..count).fold(Bytes::new().u32(count as u32), |out, _| out.u32(self.dice.pick(&codes))).0
            }
            "TpmtTkCreation" => self.ticket(0x8021),
            "TpmtTkVerified" => self.ticket(0x8022),
            "TpmtTkAuth" => {
                let tag = self.dice.pick(&[0x8023, 0x8025]);
                self.ticket(tag)
            }
            "TpmtTkHashcheck" => self.ticket(0x8024),
            "TpmsContext" => {
                let blob = self.dice.bytes(40);
                Bytes::new().u64(1).u32(0x8000_0000).u32(OWNER).sized(&blob).0
            }
            _ => {
                let count = self.dice.below(12);
                self.dice.bytes(count)
            }
        }
    }

    /// A hash that both TPMs have, mostly.
    pub fn hash(&mut self) -> u16 {
        if self.dice.one_in(40) { self.dice.pick(&[NULL_ALG, 0x12, 0x27, 0x7FFF]) } else { self.dice.pick(&HASHES) }
    }

    /// A sized buffer of a type.
    fn buffer(&mut self, type_name: &str) -> Vec<u8> {
        let sizes: &[usize] = match type_name {
            "Tpm2bDigest" => &[0, 20, 32, 32, 48, 64, 65],
            "Tpm2bNonce" => &[0, 16, 20, 32, 64, 65],
            "Tpm2bAuth" => &[0, 0, 4, 8, 20, 32, 64, 65],
            "Tpm2bData" => &[0, 0, 8, 20, 64, 66, 67],
            "Tpm2bOperand" => &[0, 1, 2, 8, 8, 32, 65],
            "Tpm2bEvent" => &[0, 5, 100, 1024, 1025],
            "Tpm2bMaxBuffer" => &[0, 1, 16, 32, 64, 100, 1024, 1025],
            "Tpm2bMaxNvBuffer" => &[0, 1, 8, 8, 16, 32, 1024, 1025],
            "Tpm2bIv" => &[0, 16, 16, 16, 8, 17],
            "Tpm2bTimeout" => &[0, 8, 8, 9],
            "Tpm2bSensitiveData" => &[0, 1, 16, 128, 129],
            "Tpm2bName" => &[0, 4, 34, 34, 66, 69],
            "Tpm2bPrivate" => &[0, 20, 100],
            "Tpm2bPublicKeyRsa" | "Tpm2bRsaMessage" => &[0, 1, 32, 190, 214, 245, 246, 255, 256, 257],
            "CertInfo" => &[1, 16, 32, 64, 65],
            _ => &[0, 1, 16, 32, 64],
        };
        let size = self.dice.pick(sizes);
        let mut data = self.dice.bytes(size);
        if self.dice.one_in(4) {
            data.fill(0);
        }
        if type_name == "Tpm2bAuth"
            && self.dice.flag()
            && let Some(last) = data.last_mut()
        {
            *last = 0;
        }
        if type_name == "Tpm2bName" && data.len() == 34 {
            data[..2].copy_from_slice(&SHA256.to_be_bytes());
        }
        Bytes::new().sized(&data).0
    }

    pub fn sym_def(&mut self, session: bool) -> Vec<u8> {
        let bits = self.dice.pick(&[128u16, 128, 256, 192, 100]);
        let mode = if self.dice.one_in(10) { self.dice.pick(&[0x10u16, 0x42, 0x40]) } else { CFB };
        if session && self.dice.one_in(3) {
            let hash = self.hash();
            return Bytes::new().u16(XOR).u16(hash).0;
        }
        let alg = self.algorithm(&[AES, AES, AES, AES, CAMELLIA]);
        Bytes::new().u16(alg).u16(bits).u16(mode).0
    }

    pub fn sig_scheme(&mut self) -> Vec<u8> {
        let hash = self.hash();
        let scheme = self.dice.pick(&[HMAC, RSASSA, RSASSA, RSAPSS, ECDSA, ECDSA, RSAES, OAEP]);
        if scheme == RSAES { Bytes::new().u16(scheme).0 } else { Bytes::new().u16(scheme).u16(hash).0 }
    }

    /// A signature that is none.
    fn signature(&mut self) -> Vec<u8> {
        let hash = self.dice.pick(&HASHES);
        let data = self.dice.bytes(64);
        match self.dice.below(3) {
            0 => Bytes::new().u16(HMAC).u16(hash).raw(&data[..digest_size(hash)]).0,
            1 => {
                let scheme = self.dice.pick(&[RSASSA, RSAPSS]);
                let size = self.dice.pick(&[256, 256, 255, 64]);
                let data = self.dice.bytes(size);
                Bytes::new().u16(scheme).u16(hash).sized(&data).0
            }
            _ => Bytes::new().u16(ECDSA).u16(hash).sized(&data[..32]).sized(&data[32..]).0,
        }
    }

    /// A ticket: a NULL ticket, or a wrong one.
    fn ticket(&mut self, tag: u16) -> Vec<u8> {
        let tag = if self.dice.one_in(20) { self.dice.pick(&[0x8020, 0x8021, 0x8024]) } else { tag };
        if self.dice.flag() {
            return Bytes::new().u16(tag).u32(NULL_HANDLE).u16(0).0;
        }
        let hierarchy = self.dice.pick(&[OWNER, ENDORSEMENT, PLATFORM, NULL_HANDLE, 0x4000_0002]);
        let size = self.dice.pick(&[0, 32, 48, 64]);
        Bytes::new().u16(tag).u32(hierarchy).sized(&self.dice.bytes(size)).0
    }

    pub fn pcr_selection(&mut self) -> Vec<u8> {
        let count = self.dice.pick(&[0u32, 1, 1, 1, 2, 3]);
        let mut out = Bytes::new().u32(count);
        for _ in 0..count {
            let hash = self.hash();
            let word = self.dice.word();
            let select =
                self.dice.pick(&[[1, 0, 0], [0x81, 0, 1], [0, 0, 0], [0xFF; 3], [word as u8, (word >> 8) as u8, 0]]);
            out = out.u16(hash);
            out = if self.dice.one_in(30) { out.u8(2).raw(&select[..2]) } else { out.u8(3).raw(&select) };
        }
        out.0
    }

    fn digest_values(&mut self) -> Vec<u8> {
        let count =
            if self.dice.one_in(30) { self.dice.pick(&[5, 9, 20]) } else { self.dice.pick(&[0u32, 1, 1, 1, 2, 4]) };
        let mut out = Bytes::new().u32(count);
        for at in 0..count {
            let hash = if self.dice.one_in(3) { self.hash() } else { HASHES[at as usize % 4] };
            let size = digest_size(hash);
            out = out.u16(hash).raw(&self.dice.bytes(size));
        }
        out.0
    }

    /// `TPMS_SENSITIVE_CREATE`; with data of this size.
    pub fn sensitive_create(&mut self, data: usize) -> Vec<u8> {
        let size = self.dice.pick(&[0, 0, 4, 16, 32]);
        let auth = keys::auth(&mut self.dice, size);
        let data = self.dice.bytes(data);
        Bytes::new().sized(&auth).sized(&data).0
    }

    /// `TPMS_NV_PUBLIC`.
    pub fn nv_public(&mut self, world: &World) -> Vec<u8> {
        let free: Vec<_> = (0x0150_0000..0x0150_0006).filter(|index| !world.indices.contains_key(index)).collect();
        let index = match self.dice.maybe(&free) {
            Some(index) if !self.dice.one_in(20) => index,
            _ => 0x0150_0000 + self.dice.below(6) as u32,
        };
        let kind = self.dice.pick(&[0u32, 0, 0, 1, 2, 4, 8, 9]);
        let kind = if self.dice.one_in(60) { self.dice.below(16) as u32 } else { kind };
        let mut attributes = kind << 4 | 1 << 2 | 1 << 18;
        for bit in [0, 1, 16, 17, 14, 31, 12, 15, 3, 19] {
            if self.dice.one_in(3) {
                attributes |= 1 << bit;
            }
        }
        for bit in [13, 27, 26, 10, 30, 11, 28, 29, 8, 20] {
            if self.dice.one_in(30) {
                attributes |= 1 << bit;
            }
        }
        for bit in [2, 18] {
            if self.dice.one_in(8) {
                attributes &= !(1 << bit);
            }
        }
        if !self.dice.one_in(6) {
            attributes |= 1 << 25;
        }
        if !self.commands.contains(&0x11F) {
            // Nothing could delete it.
            attributes &= !(1 << 10);
        }
        let hash = self.hash();
        let size = match kind {
            0 => self.dice.pick(&[0u16, 1, 8, 16, 32, 64, 100, 2048, 2049]),
            4 => digest_size(hash) as u16,
            _ => 8,
        };
        let size = if self.dice.one_in(20) { self.dice.pick(&[0, 7, 8, 9, 32]) } else { size };
        let policy = match self.dice.below(4) {
            0 => self.policy_digest(hash),
            1 if self.dice.one_in(8) => self.dice.bytes(20),
            _ => Vec::new(),
        };
        Bytes::new().u32(index).u16(hash).u32(attributes).sized(&policy).u16(size).0
    }
}

const NULL_ALG: u16 = public::NULL;

fn null_of(type_name: &str) -> Vec<u8> {
    if type_name.starts_with("Tpmi") && !type_name.starts_with("TpmiAlg") {
        NULL_HANDLE.to_be_bytes().to_vec()
    } else {
        NULL_ALG.to_be_bytes().to_vec()
    }
}

const NULL_HANDLE: u32 = entities::NULL;
