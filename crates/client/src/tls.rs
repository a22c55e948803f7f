//! TLS as every connection to a provider uses it: 1.2 or 1.3, certificates always verified.
//!
//! In: nothing, or the root certificates an operator pins. Out: a client configuration. The crypto
//! provider (ring) is named here instead of being installed for the whole process, so that several
//! panels and foreign programs can share one. There is no switch to accept a bad certificate
//! (`invariants.md` B16).

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;

/// Trusts what the operating system trusts. Where it trusts nobody (a container without
/// certificates) no certificate will be accepted, which is said once in the log.
pub(crate) fn trusting_system() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let config = match Verifier::new(Arc::clone(&provider)) {
        Ok(verifier) => begin(provider)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth(),
        Err(why) => {
            tracing::warn!(%why, "no certificate authority is trusted on this machine; HTTPS will fail");
            begin(provider)?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    Ok(speaking_http1(config))
}

/// Trusts the given authorities and no others.
pub(crate) fn trusting_only(
    roots: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<ClientConfig, rustls::Error> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root)?;
    }
    let config =
        begin(Arc::new(ring::default_provider()))?.with_root_certificates(store).with_no_client_auth();
    Ok(speaking_http1(config))
}

fn begin(provider: Arc<CryptoProvider>) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn speaking_http1(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
