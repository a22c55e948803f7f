//! TLS towards the database: 1.2 or 1.3, the certificate always verified.
//!
//! In: the authorities of a file, or none. Out: what makes connections. Without a file the operating system's
//! authorities count. There is no switch to accept a bad certificate.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio_postgres_rustls::MakeRustlsConnect;

/// `roots`: a PEM file of the only authorities to trust.
pub(super) fn connector(roots: Option<&Path>) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let begun = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|why| why.to_string())?;
    let config = match roots {
        Some(file) => begun.with_root_certificates(authorities(file)?),
        None => match Verifier::new(provider) {
            Ok(verifier) => begun.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
            Err(why) => {
                tracing::warn!(%why, "no certificate authority is trusted on this machine");
                begun.with_root_certificates(RootCertStore::empty())
            }
        },
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn authorities(file: &Path) -> Result<RootCertStore, String> {
    let unreadable = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|why| unreadable(&why))? {
        let certificate = certificate.map_err(|why| unreadable(&why))?;
        store.add(certificate).map_err(|why| unreadable(&why))?;
    }
    if store.is_empty() { Err(unreadable(&"no certificate in it")) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_authorities_is_said_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("roots.pem");
        std::fs::write(&file, "nothing").expect("written");
        let Err(why) = connector(Some(&file)) else { panic!("accepted") };
        assert!(why.contains("roots.pem"), "{why}");
        let Err(why) = connector(Some(&folder.path().join("missing.pem"))) else { panic!("accepted") };
        assert!(why.contains("missing.pem"), "{why}");
    }
}
