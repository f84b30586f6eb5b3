//! `ironroot provision serve`: the provisioning service alone.

use std::{fs, path::Path, sync::mpsc, time::Duration};

use ironroot_attest::x509::{EvidenceCertificate, TrustStore};
use ironroot_host::sandbox;
use ironroot_provision::service::{Service, ServiceConfig, TlsConfig};
use serde_json::json;

use super::batch::database;
use crate::{
    cli::provision::{ProvisionCommand, ProvisionServe},
    failure::{Failure, Result},
    plant::shared_provider,
    stop,
};

/// Runs a command.
///
/// # Errors
/// The command's failure.
pub fn run(command: &ProvisionCommand) -> Result {
    match command {
        ProvisionCommand::Serve(arguments) => serve(arguments),
    }
}

fn serve(arguments: &ProvisionServe) -> Result {
    if let Some(gap) = sandbox::prepare(None, false)?.gap() {
        tracing::warn!("{gap}");
    }
    let (stopped, stop) = mpsc::channel();
    stop::on_signal(move || {
        // Nobody waits any more if the service has ended already.
        let _ = stopped.send(());
    })?;
    let running = Service::start_thread(config(arguments)?)?;
    let address = running.address();
    if arguments.tpm.json {
        let tls = running.tls_address().map(|address| format!("https://{address}"));
        println!("{}", json!({ "service": format!("http://{address}"), "tls": tls, "pid": std::process::id() }));
    } else {
        println!("service: http://{address}");
        if let Some(address) = running.tls_address() {
            println!("with TLS: https://{address}");
        }
        println!("Ctrl-C ends it in order.");
    }
    // The sender lives as long as the process.
    let _ = stop.recv();
    running.stop();
    Ok(())
}

fn config(arguments: &ProvisionServe) -> Result<ServiceConfig> {
    let mut trust = TrustStore::new();
    for path in &arguments.trusted_roots {
        certificates(path)?.into_iter().for_each(|certificate| trust.add_root(certificate));
    }
    let mut config = ServiceConfig::new(arguments.state.clone(), shared_provider(), trust);
    config.listen = arguments.listen;
    config.database = database(arguments.database.as_deref())?;
    config.batch_required = arguments.batch_required;
    config.public_url.clone_from(&arguments.public_url);
    config.crl_lifetime = Duration::from_secs(u64::from(arguments.crl_hours) * 3600);
    config.tls = arguments.tls_listen.map(|listen| TlsConfig {
        listen,
        names: if arguments.tls_names.is_empty() { vec!["localhost".into()] } else { arguments.tls_names.clone() },
        files: arguments.tls_cert.clone().zip(arguments.tls_key.clone()),
    });
    config.authority_keys = arguments.ca_key.open(&arguments.tpm)?;
    Ok(config)
}

/// The certificates of a PEM file.
fn certificates(path: &Path) -> Result<Vec<EvidenceCertificate>> {
    let pem = fs::read_to_string(path).map_err(|error| Failure::during(path.display(), error))?;
    EvidenceCertificate::from_pem(&pem).map_err(|error| Failure::during(path.display(), error))
}
