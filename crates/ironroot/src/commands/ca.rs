//! `ironroot ca`: what an operator does with the identity CA, on the machine that has its folder and database.

use ironroot_provision::{
    authority::Authorities,
    revocation::{REASONS, decommission, reason_word, revocable, revoke},
    store::{CertificateRecord, Selection, Store},
    time_to_text,
};
use serde_json::{Value, json};

use super::batch::open;
use crate::{
    cli::{
        batch::ServicePlace,
        ca::{CaCommand, CaDecommission, CaRevoke, CaRotate, CaShow},
    },
    failure::{Failure, Result},
    plant::{now, shared_provider},
};

/// Runs a command.
///
/// # Errors
/// The command's failure.
pub fn run(command: &CaCommand) -> Result {
    match command {
        CaCommand::Revoke(arguments) => on_store(&arguments.place, async |store| revoke_some(arguments, store).await),
        CaCommand::Show(arguments) => on_store(&arguments.place, async |store| show(arguments, store).await),
        CaCommand::Decommission(arguments) => on_store(&arguments.place, async |store| end(arguments, store).await),
        CaCommand::Rotate(arguments) => rotate(arguments),
    }
}

fn on_store(place: &ServicePlace, work: impl AsyncFnOnce(&Store) -> Result) -> Result {
    let office = open(place)?;
    office.wait(work(office.store()))
}

async fn revoke_some(arguments: &CaRevoke, store: &Store) -> Result {
    let reason =
        REASONS.iter().find(|(word, _)| *word == arguments.reason).map(|(_, reason)| *reason).ok_or_else(|| {
            let words: Vec<&str> = REASONS.iter().map(|(word, _)| *word).collect();
            Failure::new(format!("{} is no reason: {}", arguments.reason, words.join(", ")))
        })?;
    let selection = Selection {
        serial: arguments.serial.as_ref().map(|serial| serial.replace(':', "").to_ascii_lowercase()),
        ek_name: match &arguments.device {
            Some(device) => Some(find(store, device).await?),
            None => None,
        },
        batch: arguments.batch.clone(),
        issued_from: arguments.issued_from,
        issued_before: arguments.issued_before,
        subject: None,
    };
    let meant = if arguments.dry_run {
        revocable(store.certificates(&selection).await?, signed_now())
    } else {
        revoke(store, &selection, reason, signed_now()).await?
    };
    if meant.is_empty() {
        return Err(Failure::new(
            "no certificate fits that is valid and not revoked yet: ironroot ca show DEVICE lists a device's",
        ));
    }
    let word = if arguments.dry_run { "would be revoked" } else { "revoked" };
    tell(&meant, word, &arguments.place);
    Ok(())
}

async fn show(arguments: &CaShow, store: &Store) -> Result {
    let ek_name = find(store, &arguments.device).await?;
    let ended = store.decommissioned(&ek_name).await?;
    let selection = Selection { ek_name: Some(ek_name.clone()), ..Selection::default() };
    let certificates = store.certificates(&selection).await?;
    if arguments.place.json {
        let list: Vec<Value> = certificates.iter().map(describe).collect();
        println!("{}", json!({ "ek_name": ek_name, "decommissioned": ended.map(time_to_text), "certificates": list }));
        return Ok(());
    }
    println!("endorsement key: {ek_name}");
    if let Some(at) = ended {
        println!("decommissioned:  {}", time_to_text(at));
    }
    for certificate in &certificates {
        println!("{}  {}  {}", certificate.serial, standing(certificate), certificate.subject);
    }
    Ok(())
}

async fn end(arguments: &CaDecommission, store: &Store) -> Result {
    let revoked = decommission(store, &arguments.device, signed_now()).await?;
    tell(&revoked, "revoked", &arguments.place);
    Ok(())
}

fn rotate(arguments: &CaRotate) -> Result {
    let mut keys = arguments.ca_key.open(&arguments.tpm)?;
    let new = if keys.is_empty() { None } else { Some(keys.remove(0)) };
    let authorities = Authorities::rotate(&arguments.state, &keys, new, &shared_provider(), now())?;
    let identifier = authorities.current().key_identifier_hex();
    if arguments.tpm.json {
        println!("{}", json!({ "ca": identifier, "certificates": authorities.certificates(now()).count() }));
    } else {
        println!(
            "the CA's new key: {identifier}\nStart the service again with it; the old key stays needed for its revocation lists."
        );
    }
    Ok(())
}

async fn find(store: &Store, device: &str) -> Result<String> {
    let found = store.find_device(device).await?;
    found.ok_or_else(|| Failure::new(format!("no device has the subject or endorsement key name \"{device}\"")))
}

fn tell(certificates: &[CertificateRecord], word: &str, place: &ServicePlace) {
    if place.json {
        let list: Vec<Value> = certificates.iter().map(describe).collect();
        println!("{}", json!({ "what": word, "certificates": list }));
    } else {
        certificates.iter().for_each(|certificate| println!("{word}: {}  {}", certificate.serial, certificate.subject));
    }
}

fn describe(record: &CertificateRecord) -> Value {
    json!({
        "serial": record.serial,
        "subject": record.subject,
        "profile": record.profile,
        "not_before": time_to_text(record.not_before),
        "not_after": time_to_text(record.not_after),
        "revoked": record.revoked.map(|(at, _)| time_to_text(at)),
        "reason": record.revoked.map(|(_, reason)| reason_word(reason)),
    })
}

fn standing(record: &CertificateRecord) -> String {
    match record.revoked {
        Some((at, reason)) => format!("revoked {} ({})", time_to_text(at), reason_word(reason)),
        None if record.not_after < signed_now() => "expired".into(),
        None => format!("valid until {}", time_to_text(record.not_after)),
    }
}

fn signed_now() -> i64 {
    i64::try_from(now()).unwrap_or(i64::MAX)
}
