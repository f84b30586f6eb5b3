//! `ironroot batch`: how many devices a factory may make.

use std::fs;

use ironroot_provision::{
    administration::Administration,
    key_list, revocation,
    store::{Actor, Batch, Location, NewBatch},
};
use serde_json::json;

use crate::{
    cli::batch::{ActingAs, BatchAllow, BatchCommand, BatchCreate, BatchScrap, ServicePlace},
    failure::{Failure, Result},
    plant::shared_provider,
};

const DAY: i64 = 86_400;

/// Runs a command.
///
/// # Errors
/// The command's failure.
pub fn run(command: &BatchCommand) -> Result {
    match command {
        BatchCommand::Create(arguments) => create(arguments),
        BatchCommand::List(place) => {
            let office = open(place)?;
            let batches = office.wait(office.store().batches())?;
            if place.json {
                println!("{}", json!(batches));
            } else if batches.is_empty() {
                println!("no batches: make one with `ironroot batch create`");
            } else {
                batches.iter().for_each(print_line);
            }
            Ok(())
        }
        BatchCommand::Show(arguments) => show(&open(&arguments.place)?, &arguments.name, &arguments.place),
        BatchCommand::Allow(arguments) => allow(arguments),
        BatchCommand::Close(arguments) => {
            let (office, by) = (open(&arguments.place)?, name_of(&arguments.acting));
            let actor = Actor { role: &arguments.acting.role, name: &by };
            office.wait(office.store().close_batch(&arguments.name, actor, Administration::now()))?;
            show(&office, &arguments.name, &arguments.place)
        }
        BatchCommand::Scrap(arguments) => scrap(arguments),
    }
}

/// The database of a service.
///
/// # Errors
/// What is wrong with it.
pub fn open(place: &ServicePlace) -> Result<Administration> {
    Ok(Administration::open(&place.state, database(place.database.as_deref())?, shared_provider())?)
}

/// The place of a database, if one was named.
///
/// # Errors
/// It is no place.
pub fn database(text: Option<&str>) -> Result<Option<Location>> {
    Ok(text.map(str::parse).transpose()?)
}

fn create(arguments: &BatchCreate) -> Result {
    let (office, by) = (open(&arguments.place)?, name_of(&arguments.acting));
    let now = Administration::now();
    let new = NewBatch {
        name: arguments.name.clone(),
        product: arguments.product.clone(),
        units: i64::from(arguments.units),
        profiles: arguments.profiles.clone(),
        listed_only: arguments.listed_only,
        expires_at: arguments.expires_in.map(|days| now.saturating_add(i64::from(days).saturating_mul(DAY))),
    };
    let actor = Actor { role: &arguments.acting.role, name: &by };
    let batch = office.wait(office.store().create_batch(&new, actor, now))?;
    print_one(&batch, arguments.place.json);
    Ok(())
}

fn show(office: &Administration, name: &str, place: &ServicePlace) -> Result {
    let batch = office.wait(office.store().batch(name))?;
    let missing =
        || Failure::new(format!("there is no batch {name}: `ironroot batch list` shows those that are there"));
    print_one(&batch.ok_or_else(missing)?, place.json);
    Ok(())
}

fn allow(arguments: &BatchAllow) -> Result {
    let failed = |error: &dyn std::fmt::Display| Failure::during(arguments.list.display(), error);
    let text = fs::read_to_string(&arguments.list).map_err(|error| failed(&error))?;
    let names = key_list::parse(&text).map_err(|error| failed(&error))?;
    let (office, by) = (open(&arguments.place)?, name_of(&arguments.acting));
    let actor = Actor { role: &arguments.acting.role, name: &by };
    let added = office.wait(office.store().allow_keys(&arguments.name, &names, actor, Administration::now()))?;
    if arguments.place.json {
        println!("{}", json!({ "batch": arguments.name, "in_file": names.len(), "added": added }));
    } else {
        println!("{added} of {} endorsement keys were new on the list of {}", names.len(), arguments.name);
    }
    Ok(())
}

fn scrap(arguments: &BatchScrap) -> Result {
    let (office, by) = (open(&arguments.place)?, name_of(&arguments.acting));
    let actor = Actor { role: &arguments.acting.role, name: &by };
    let ek_name = arguments.ek_name.to_ascii_lowercase();
    office.wait(revocation::scrap(office.store(), &arguments.name, &ek_name, actor, Administration::now()))?;
    show(&office, &arguments.name, &arguments.place)
}

/// Who does it: as was said, or the user of this process.
fn name_of(acting: &ActingAs) -> String {
    let user = || std::env::var("USER").ok().filter(|user| !user.is_empty());
    acting.by.clone().or_else(user).unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

fn print_one(batch: &Batch, as_json: bool) {
    if as_json { println!("{}", json!(batch)) } else { print_line(batch) }
}

fn print_line(batch: &Batch) {
    let Batch { name, product, units, used, scrapped, listed, .. } = batch;
    let state = match (batch.closed_at, batch.expires_at) {
        (Some(_), _) => "closed",
        (None, Some(end)) if end <= Administration::now() => "expired",
        _ if used >= units => "used up",
        _ => "open",
    };
    println!(
        "{name}: {used} of {units} units used, {scrapped} scrapped, {state}{}",
        match product.as_str() {
            "" => String::new(),
            product => format!(" ({product})"),
        }
    );
    if batch.listed_only {
        println!("    only the {listed} endorsement keys on its list");
    }
    if !batch.profiles.is_empty() {
        println!("    profiles: {}", batch.profiles.join(", "));
    }
}
