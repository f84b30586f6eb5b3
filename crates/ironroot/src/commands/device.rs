//! `ironroot device`: the sources of the device value.

use ironroot_anchor::{machine::Machine, words};
use ironroot_platform::CopyResistance;
use serde_json::json;

use crate::{
    cli::{DeviceCommand, DeviceGrade, DeviceRefresh, DeviceSources},
    device::Place,
    failure::Result,
};

impl From<DeviceGrade> for CopyResistance {
    fn from(grade: DeviceGrade) -> Self {
        match grade {
            DeviceGrade::Weak => Self::CopiedWithDisk,
            DeviceGrade::Modest => Self::Readable,
            DeviceGrade::Good => Self::Fused,
            DeviceGrade::Strong => Self::HardwareOnly,
        }
    }
}

/// Shows sources, or takes a repair over.
///
/// # Errors
/// What failed, on which file or source.
pub fn run(command: &DeviceCommand) -> Result {
    match command {
        DeviceCommand::Sources(arguments) => {
            sources(arguments);
            Ok(())
        }
        DeviceCommand::Refresh(arguments) => refresh(arguments),
    }
}

fn sources(arguments: &DeviceSources) {
    let machine = Machine::this();
    let mut sources = arguments.sources.clone();
    if sources.is_empty() {
        sources = machine.candidates().into_iter().map(|(source, _)| source).collect();
    }
    let mut list = Vec::new();
    for source in sources {
        let grade = machine.grade(&source);
        // Of several, each is read by itself: a threshold has no value before a TPM is made with it.
        let missing: Vec<String> =
            source.parts().iter().filter_map(|part| machine.read(part).err()).map(|error| error.to_string()).collect();
        if arguments.json {
            list.push(json!({
                "source": source.to_string(),
                "here": missing.is_empty(),
                "missing": missing,
                "grade": words(grade.resistance).split(':').next(),
                "stability": grade.stability,
                "reasons": grade.reasons,
            }));
            continue;
        }
        println!("{source}: {}", words(grade.resistance));
        println!("  it stays {}", grade.stability);
        if source.parts().len() > 1 {
            grade.reasons.iter().for_each(|reason| println!("  {reason}"));
        }
        missing.iter().for_each(|error| println!("  not here: {error}"));
    }
    if arguments.json {
        println!("{}", json!({ "sources": list }));
    }
}

fn refresh(arguments: &DeviceRefresh) -> Result {
    let place = Place::new(arguments.state.clone(), arguments.product_secret.clone(), None);
    let changed = place.refresh()?;
    if arguments.json {
        println!("{}", json!({ "state": arguments.state.display().to_string(), "changed": changed }));
    } else if changed.is_empty() {
        println!("{}: nothing had changed; the helper data is made anew", arguments.state.display());
    } else {
        println!("{}: taken over: {}", arguments.state.display(), changed.join(", "));
    }
    Ok(())
}
