//! Bad certificates never see the key (`invariants.md` B16): a real handshake against servers whose
//! certificate is untrusted, expired, for another host or self-signed, and one that is right.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use panelworks_client::{Endpoint, Exchanged, Failure, Phase, Reach, Secret, Transport};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An authority of our own.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    fn root(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    fn signs(&self, params: &CertificateParams) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().der().clone(), key)
    }
}

fn for_host(host: &str) -> CertificateParams {
    CertificateParams::new(vec![host.to_owned()]).unwrap()
}

/// One exchange with a server that shows this certificate, and what the server got to read.
async fn exchange(
    transport: &Transport,
    (certificate, key): (CertificateDer<'static>, KeyPair),
) -> (Result<Exchanged, Failure>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/api/v2", listener.local_addr().unwrap());
    let endpoint = Endpoint::new(&url, Secret::new("k3y"), Reach::PrivateAllowed).unwrap();
    tokio::join!(
        transport.exchange(&endpoint, "key=k3y".to_owned(), &[], Duration::from_secs(5), 100),
        serve_once(listener, acceptor(certificate, &key)),
    )
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve_once(listener: TcpListener, acceptor: TlsAcceptor) -> Vec<u8> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    if let Ok(mut stream) = acceptor.accept(stream).await {
        while !read.ends_with(b"key=k3y") {
            match stream.read_u8().await {
                Ok(byte) => read.push(byte),
                Err(_) => return read,
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
        stream.flush().await.unwrap();
    }
    read
}

#[tokio::test]
async fn a_pinned_authoritys_certificate_is_trusted_and_the_request_arrives() {
    let authority = Authority::new();
    let transport = Transport::trusting([authority.root()]).unwrap();

    let (ended, read) = exchange(&transport, authority.signs(&for_host("127.0.0.1"))).await;

    assert_eq!(ended.unwrap().body.as_ref(), b"{}");
    assert!(read.starts_with(b"POST /api/v2 HTTP/1.1\r\n"));
}

/// Shows B16.
#[tokio::test]
async fn no_byte_of_the_request_reaches_a_server_with_a_bad_certificate() {
    let authority = Authority::new();
    let mut expired = for_host("127.0.0.1");
    expired.not_before = date_time_ymd(2019, 1, 1);
    expired.not_after = date_time_ymd(2020, 1, 1);
    let own_key = KeyPair::generate().unwrap();
    let self_signed = for_host("127.0.0.1").self_signed(&own_key).unwrap().der().clone();

    let pinned = Transport::trusting([authority.root()]).unwrap();
    for (shown, says) in [
        (authority.signs(&expired), "xpired"),
        (authority.signs(&for_host("provider.example")), "not valid for"),
        (Authority::new().signs(&for_host("127.0.0.1")), "invalid peer certificate"),
        ((self_signed, own_key), "invalid peer certificate"),
    ] {
        let (ended, read) = exchange(&pinned, shown).await;
        let failure = ended.unwrap_err();
        assert_eq!(failure.phase, Phase::NotSent, "{failure}");
        assert!(failure.why.contains(says), "{failure}");
        assert!(read.is_empty(), "{failure}");
    }

    let system = Transport::new().unwrap();
    let (ended, read) = exchange(&system, authority.signs(&for_host("127.0.0.1"))).await;
    assert_eq!((ended.unwrap_err().phase, read.len()), (Phase::NotSent, 0));
}
