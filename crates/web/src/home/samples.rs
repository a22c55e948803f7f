//! The sample code: the files of `examples/` in the repository, shown on the page and downloaded from it.
//!
//! In comes a path below `/examples/`, out goes the very file that the client tests run.

use super::highlight::{Highlighted, Language};
use crate::layout::{Cache, StaticFile};

/// The code in one language.
#[derive(Debug)]
pub(super) struct Sample {
    /// Also the anchor's end on the page.
    pub folder: &'static str,
    pub name: &'static str,
    /// The key of what it takes to run it.
    pub needs: &'static str,
    pub command: &'static str,
    pub language: Language,
    /// The program that shows how it is used.
    pub usage: SampleFile,
    /// The client it uses, where that is a file of its own.
    pub client: Option<SampleFile>,
}

/// One file of `examples/`.
#[derive(Debug)]
pub(super) struct SampleFile {
    pub name: &'static str,
    /// Where it is downloaded from.
    pub path: &'static str,
    pub source: &'static str,
}

impl Sample {
    pub(super) fn code(&self, file: &SampleFile) -> Highlighted {
        Highlighted::new(file.source.trim_end().to_owned(), self.language)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &SampleFile> {
        std::iter::once(&self.usage).chain(&self.client)
    }
}

/// A file of `examples/` with its name, address and content.
macro_rules! example {
    ($folder:literal, $name:literal) => {
        SampleFile {
            name: $name,
            path: concat!("/examples/", $folder, "/", $name),
            source: include_str!(concat!("../../../../examples/", $folder, "/", $name)),
        }
    };
}

pub(super) const SAMPLES: &[Sample] = &[
    Sample {
        folder: "curl",
        name: "curl",
        needs: "needs-curl",
        command: "sh panelworks.sh",
        language: Language::Shell,
        usage: example!("curl", "panelworks.sh"),
        client: None,
    },
    Sample {
        folder: "php",
        name: "PHP",
        needs: "needs-php",
        command: "php example.php",
        language: Language::Php,
        usage: example!("php", "example.php"),
        client: Some(example!("php", "panelworks.php")),
    },
    Sample {
        folder: "python",
        name: "Python",
        needs: "needs-python",
        command: "python3 example.py",
        language: Language::Python,
        usage: example!("python", "example.py"),
        client: Some(example!("python", "panelworks.py")),
    },
    Sample {
        folder: "node",
        name: "JavaScript",
        needs: "needs-node",
        command: "node example.mjs",
        language: Language::JavaScript,
        usage: example!("node", "example.mjs"),
        client: Some(example!("node", "panelworks.mjs")),
    },
];

/// The file at a path below `/examples/`, to be saved.
pub fn download(path: &str) -> Option<StaticFile> {
    let file = SAMPLES.iter().flat_map(Sample::files).find(|file| file.path == path)?;
    Some(StaticFile {
        // Never a type that a browser or a server in between would run.
        content_type: "text/plain; charset=utf-8",
        bytes: file.source.as_bytes(),
        cache: Cache::Hour,
        save_as: Some(file.name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_can_be_downloaded_under_its_own_name_as_plain_text() {
        for file in SAMPLES.iter().flat_map(Sample::files) {
            let served = download(file.path).expect(file.path);
            assert_eq!(served.bytes, file.source.as_bytes());
            assert_eq!(served.save_as, Some(file.name));
            assert!(served.content_type.starts_with("text/plain"));
        }
        assert!(download("/examples/php/../../Cargo.toml").is_none());
    }

    #[test]
    fn every_client_has_every_action() {
        for sample in SAMPLES {
            let client = sample.client.as_ref().unwrap_or(&sample.usage).source;
            for word in ["services", "add", "status", "refill", "refill_status", "cancel", "balance"] {
                let ways = [
                    format!("action={word}"),
                    format!("'action' => '{word}'"),
                    format!("action: \"{word}\""),
                ];
                let python = format!("action=\"{word}\"");
                assert!(
                    ways.iter().any(|way| client.contains(way)) || client.contains(&python),
                    "{word} in {}",
                    sample.name
                );
            }
        }
    }
}
