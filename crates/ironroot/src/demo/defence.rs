//! Step 5: attacks that must fail. One that succeeds fails the demonstration.

use std::path::Path;

use ironroot_anchor::product_file;
use ironroot_keys::{SharedTpm, csr};
use ironroot_platform::{CopyResistance, DeviceValue, Durability, host::OsEntropy};
use ironroot_provision::{
    agent::DeviceTpm as _,
    protocol::{CertificateRequest, EnrolmentParameters, from_base64, to_base64},
};
use ironroot_store::Options;
use ironroot_wire::{
    LoadExternal, PublicKind, Tpm2b, Tpm2bEccParameter, Tpm2bEncryptedSecret, Tpm2bIdObject, Tpm2bOption, TpmHandle,
    TpmiRhHierarchy, TpmsEccPoint, TpmtPublic, TpmtPublicPlus, Wire as _,
};
use zeroize::Zeroizing;

use super::{enrolment::Identity, timeline::Timeline};
use crate::{
    device::Anchor,
    failure::{Failure, Result},
    plant::Plant,
};

/// A thief copies the TPM's folder, and the product secret with it, to another device.
///
/// # Errors
/// The copy opened.
pub fn stolen_folder(folder: &Path, plant: &Plant, timeline: &mut Timeline) -> Result {
    let copy = folder.join("stolen");
    crate::device::create_folder(&copy)?;
    for entry in std::fs::read_dir(plant.device_folder())? {
        let entry = entry?;
        std::fs::copy(entry.path(), copy.join(entry.file_name()))?;
    }
    let (product, _) = product_file::load_product(&plant.place().product_secret)?;
    let mut other = Zeroizing::new(vec![0; 32]);
    ironroot_platform::Entropy::fill(&mut OsEntropy, &mut other)?;
    let other_device = DeviceValue { value: other, source: "another device".into(), resistance: CopyResistance::Fused };
    let anchor = Anchor::new(&product, &other_device)?;
    match anchor.open(&copy, &*anchor.state_key()?, None, Options { durability: Durability::Power }) {
        Ok(_) => Err(Failure::new("the TPM's folder opened with another device's value")),
        Err(refusal) => {
            timeline.note(format!("the folder copied to another device does not open: {refusal}"));
            Ok(())
        }
    }
}

/// A liar asks for a certificate for a key in software and claims that it is in the TPM.
///
/// # Errors
/// It was certified.
pub fn foreign_key(tpm: &SharedTpm, identity: &Identity, timeline: &mut Timeline) -> Result {
    let software = rcgen::KeyPair::generate()?;
    let mut parameters = rcgen::CertificateParams::new(Vec::new())?;
    // The very name of the device, in the order in which its own request has it: nothing but the key is foreign.
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "Ironroot demonstration");
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "pump-0007");
    let request = parameters.serialize_request(&software)?;

    // With the TPM's key as the claimed identity key, the request's key does not fit.
    let mismatched = EnrolmentParameters { csr: to_base64(request.der()), ..identity.parameters.clone() };
    let refusal = refused(identity.service.challenge(&mismatched), "a request for another key than the TPM's")?;
    timeline.note(format!("a request signed by a key outside the TPM is refused: {refusal}"));

    // With its own public area, the service cannot tell: the TPM must refuse to open the credential.
    let public = claimed_public(identity, software.public_key_raw())?;
    let claimed = EnrolmentParameters { ik_public: to_base64(&public.to_bytes()), ..mismatched };
    let challenge = identity.service.challenge(&claimed)?;
    let opened = activate_for(tpm, identity, &public, &challenge.credential_blob, &challenge.secret)?;
    timeline.note(format!("the TPM does not open a credential for a key that it does not hold: {opened}"));

    let invented =
        CertificateRequest { parameters: claimed, issued_at: challenge.issued_at, ticket: to_base64(&[0; 32]) };
    let refusal = refused(identity.service.certificate(&invented), "an invented ticket")?;
    timeline.note(format!("an invented ticket is refused: {refusal}"));
    Ok(())
}

/// The software key's point in the public area of an identity key.
fn claimed_public(identity: &Identity, point: &[u8]) -> Result<TpmtPublic> {
    let mut public = identity.key.public().clone();
    let coordinates = point.get(1..).filter(|coordinates| coordinates.len() == 64);
    let (x, y) = coordinates.map(|c| c.split_at(32)).ok_or_else(|| Failure::new("not a point of P-256"))?;
    if let PublicKind::Ecc(_, unique) = &mut public.kind {
        *unique = TpmsEccPoint { x: Tpm2bEccParameter::from_slice(x)?, y: Tpm2bEccParameter::from_slice(y)? };
    }
    Ok(public)
}

/// Loads the claimed key's public area, all that there is of it, and asks the TPM to open the credential for it.
fn activate_for(tpm: &SharedTpm, identity: &Identity, public: &TpmtPublic, blob: &str, secret: &str) -> Result<String> {
    let decode = |text: &str| from_base64(text).map_err(Failure::new);
    let blob = Tpm2bIdObject::from_bytes(&decode(blob)?)?;
    let secret = Tpm2bEncryptedSecret::from_bytes(&decode(secret)?)?;
    let ek = identity.device.borrow().endorsement_key().handle;
    let mut tpm = tpm.lock()?;
    let load = LoadExternal {
        in_private: Tpm2bOption(None),
        in_public: Tpm2b(TpmtPublicPlus(public.clone())),
        hierarchy: TpmiRhHierarchy(TpmHandle::OWNER.0),
    };
    // The attributes say fixedTPM, which no key from outside can truly have: the TPM may refuse here already.
    let loaded = match tpm.run(&load) {
        Ok(loaded) => loaded.object_handle,
        Err(refusal) => return Ok(refusal.to_string()),
    };
    let opened = tpm.activate_credential(loaded, ek, &blob, &secret);
    tpm.flush(loaded)?;
    match opened {
        Ok(_) => Err(Failure::new("the TPM opened a credential for a key that it does not hold")),
        Err(refusal) => Ok(refusal.to_string()),
    }
}

/// A liar has a good ticket and asks for another name with it.
///
/// # Errors
/// It was certified.
pub fn replayed_ticket(identity: &Identity, timeline: &mut Timeline) -> Result {
    let challenge = identity.service.challenge(&identity.parameters)?;
    let decode = |text: &str| from_base64(text).map_err(Failure::new);
    let ticket =
        identity.device.borrow_mut().activate(&decode(&challenge.credential_blob)?, &decode(&challenge.secret)?)?;
    let other = csr(&identity.key, "CN=pump-9999,O=Ironroot demonstration", &[])?.to_der()?;
    let replayed = CertificateRequest {
        parameters: EnrolmentParameters { csr: to_base64(&other), ..identity.parameters.clone() },
        issued_at: challenge.issued_at,
        ticket: to_base64(&ticket),
    };
    let refusal = refused(identity.service.certificate(&replayed), "a ticket for other parameters")?;
    timeline.note(format!("a ticket replayed for another name is refused: {refusal}"));
    Ok(())
}

fn refused<T>(answer: std::result::Result<T, ironroot_provision::agent::HttpError>, what: &str) -> Result<String> {
    match answer {
        Ok(_) => Err(Failure::new(format!("the service accepted {what}"))),
        Err(error) => match error.code() {
            Some(code) => Ok(code.to_owned()),
            None => Err(error.into()),
        },
    }
}
