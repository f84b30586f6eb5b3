//! `ironroot audit`: whether what happened is still what is written down.

use std::{
    fs,
    io::{Write as _, stdout},
};

use ironroot_provision::{
    administration::Administration,
    store::{Checkpoint, RecordedEvent},
};
use serde::Deserialize;
use serde_json::json;

use super::batch::database;
use crate::{
    cli::audit::{AuditCommand, AuditExport, AuditForm, AuditVerify},
    cli::batch::ServicePlace,
    failure::{Failure, Result},
    plant::shared_provider,
};

/// Events that are read at a time.
const PAGE: i64 = 1000;

/// Runs a command.
///
/// # Errors
/// The command's failure; the audit does not hold.
pub fn run(command: &AuditCommand) -> Result {
    match command {
        AuditCommand::Verify(arguments) => verify(arguments),
        AuditCommand::Export(arguments) => export(arguments),
    }
}

fn open(place: &ServicePlace) -> Result<Administration> {
    let database = database(place.database.as_deref())?;
    Ok(Administration::open_unchecked(&place.state, database, shared_provider())?)
}

fn verify(arguments: &AuditVerify) -> Result {
    /// An export, or a checkpoint alone.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Export { checkpoint: Checkpoint },
        Alone(Checkpoint),
    }
    let mut outside = Vec::new();
    for path in &arguments.checkpoints {
        let failed = |error: &dyn std::fmt::Display| Failure::during(path.display(), error);
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        let kept = serde_json::from_str(&text).map_err(|_| failed(&"there is no checkpoint in it"))?;
        outside.push(match kept {
            Kept::Export { checkpoint } | Kept::Alone(checkpoint) => checkpoint,
        });
    }
    let office = open(&arguments.place)?;
    outside.extend(office.kept_checkpoint()?);
    match office.wait(office.store().verify_audit(&outside))? {
        Ok(report) if arguments.place.json => println!("{}", json!({ "holds": true, "report": report })),
        Ok(report) => {
            let checkpoints = match report.checkpoints {
                0 => "no checkpoint was kept to compare with".to_owned(),
                1 => "1 checkpoint compared".to_owned(),
                more => format!("{more} checkpoints compared"),
            };
            println!("the audit holds: {} events, the end is signed, {checkpoints}", report.events);
        }
        Err(fault) => {
            if arguments.place.json {
                println!("{}", json!({ "holds": false, "fault": fault.to_string() }));
            }
            return Err(Failure::new(format!(
                "the audit does not hold: {fault}. Keep this database as evidence, and go on from a backup"
            )));
        }
    }
    Ok(())
}

fn export(arguments: &AuditExport) -> Result {
    let office = open(&arguments.place)?;
    let mut out = stdout().lock();
    // First the end: events that come meanwhile are behind it, and stay out.
    let checkpoint = office.wait(office.store().checkpoint())?;
    let last = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.number);
    match arguments.format {
        AuditForm::Json => {
            let (key, end) = (json!(office.audit_key().public_pem()?), json!(checkpoint));
            write!(out, "{{\"public_key\":{key},\"checkpoint\":{end},\"events\":[")?;
        }
        AuditForm::Csv => writeln!(out, "number,at,kind,device,detail,hash")?,
    }
    let mut next = 1;
    while next <= last {
        let events = office.wait(office.store().events_from(next, PAGE))?;
        let Some(end) = events.last().map(|event| event.number) else { break };
        for event in events.iter().take_while(|event| event.number <= last) {
            match arguments.format {
                AuditForm::Json => write!(out, "{}{}", if event.number > 1 { ",\n" } else { "\n" }, json!(event))?,
                AuditForm::Csv => writeln!(out, "{}", csv_line(event))?,
            }
        }
        next = end.saturating_add(1);
    }
    if arguments.format == AuditForm::Json {
        writeln!(out, "]}}")?;
    }
    Ok(out.flush()?)
}

/// RFC 4180. A cell that a spreadsheet would take for a formula gets a quote before it: requesters choose subjects.
fn csv_line(event: &RecordedEvent) -> String {
    let cell = |text: &str| {
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    let RecordedEvent { number, at, kind, device, detail, hash } = event;
    [
        number.to_string(),
        at.to_string(),
        cell(kind),
        cell(device.as_deref().unwrap_or_default()),
        cell(detail),
        hash.clone(),
    ]
    .join(",")
}
