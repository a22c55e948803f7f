//! The page at `/`: what this panel is and how its API v2 is used, with the panel's own address in every sample.
//!
//! In comes a [`HomePage`] (name, address, currency), out goes one HTML document; beside it the files the page refers
//! to ([`asset`]). Everything documented is typed and stands in this folder: actions and parameters (`actions.rs`),
//! service types (`service_types.rs`), status words (`words.rs`), error texts (`errors.rs`), sample code (`samples.rs`);
//! the words of the page are in `locales/`. The shapes are `api-v2.md`'s and the seeds'. The page reads nothing from
//! the store: it is the same for everybody, so it can be rendered once at start and served as bytes.

mod actions;
mod errors;
mod highlight;
mod parameter;
mod samples;
mod service_types;
mod words;

use askama::Template;

use crate::layout::{self, Frame, StaticFile, Texts};
use actions::{ACTIONS, Action, Answer};
use errors::{ERRORS, ErrorGroup};
use highlight::{Highlighted, Language};
use samples::{SAMPLES, Sample, SampleFile};
use service_types::{ServiceTypeEntry, service_types};
use words::{WORDS, WordGroup};

pub use samples::download;

/// Stands in example answers where the panel's currency belongs.
const CURRENCY_SIGN: char = '¤';

/// What is this panel's own on the page.
#[derive(Debug, Clone)]
pub struct HomePage {
    /// The installation's name, as customers know it.
    pub panel_name: String,
    /// The full address of API v2, such as `https://panel.example/api/v2`.
    pub api_url: String,
    /// The base currency's ISO 4217 code.
    pub currency: String,
    /// A sentence at the top, for instance that this is a demonstration with a simulated provider. Plain text.
    pub demo_note: Option<String>,
}

/// The whole document.
pub fn render(home: &HomePage) -> Result<String, askama::Error> {
    let texts = Texts::english();
    let frame = Frame {
        title: texts.with("home-title", "panel", &home.panel_name),
        description: texts.with("home-description", "panel", &home.panel_name),
        panel_name: home.panel_name.clone(),
        texts,
    };
    let page = Page {
        frame: &frame,
        home,
        t: &frame.texts,
        first_order: actions::add(),
        actions: ACTIONS,
        service_types: service_types(),
        words: WORDS,
        errors: ERRORS,
        samples: SAMPLES,
    };
    page.render()
}

/// The file at a path below `/assets/` or `/examples/`, if there is one.
pub fn asset(path: &str) -> Option<StaticFile> {
    layout::file(path).or_else(|| download(path))
}

#[derive(Template)]
#[template(path = "home/page.html")]
struct Page<'a> {
    frame: &'a Frame,
    home: &'a HomePage,
    t: &'a Texts,
    /// Shown at the top, as the first thing one does.
    first_order: &'static Action,
    actions: &'static [Action],
    service_types: Vec<ServiceTypeEntry>,
    words: &'static [WordGroup],
    errors: &'static [ErrorGroup],
    samples: &'static [Sample],
}

/// What the template asks for.
impl Page<'_> {
    /// The action as a curl line with this panel's address.
    fn curl(&self, action: &Action) -> Highlighted {
        Highlighted::new(action.curl(&self.home.api_url), Language::Shell)
    }

    fn answer(&self, answer: &Answer) -> Highlighted {
        Highlighted::new(answer.json.replace(CURRENCY_SIGN, &self.home.currency), Language::Json)
    }

    fn answer_label(&self, answer: &Answer) -> String {
        match answer.of {
            Some(kind) => self.t.with("answer-label-kind", "kind", self.t.get(kind)),
            None => self.t.get("answer-label"),
        }
    }

    /// How a sample is started from a terminal, with this panel's address.
    fn run(&self, sample: &Sample) -> Highlighted {
        let url = &self.home.api_url;
        Highlighted::new(
            format!("export PANEL_URL={url}\nexport PANEL_KEY=YOUR_API_KEY\n{}", sample.command),
            Language::Shell,
        )
    }

    fn line_count(&self, file: &SampleFile) -> String {
        self.t.counted("code-lines", "lines", file.source.lines().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> HomePage {
        HomePage {
            panel_name: "Nord & <Süd>".into(),
            api_url: "http://127.0.0.1:8080/api/v2".into(),
            currency: "EUR".into(),
            demo_note: Some("A \"demo\" <only>".into()),
        }
    }

    fn page() -> String {
        render(&home()).expect("the template renders")
    }

    #[test]
    fn the_page_speaks_of_this_panel_and_no_other() {
        let page = page();
        assert!(page.contains("Nord &#38; &#60;Süd&#62;"), "the name is escaped");
        assert!(page.contains("http://127.0.0.1:8080/api/v2"));
        assert!(!page.contains(CURRENCY_SIGN), "every example names the currency");
        assert!(page.contains("EUR"));
        assert!(!page.contains("<only>"), "the note is escaped");
    }

    /// Shows C12.
    #[test]
    fn the_strictest_content_security_policy_holds() {
        let page = page();
        for forbidden in ["<script", "<style", " style=", " onclick=", " onload=", "javascript:"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for outside in ["href=\"http", "src=\"http", "href=\"//", "src=\"//"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_file_the_page_names_is_served() {
        let page = page();
        let mut named = 0;
        for piece in page.split("href=\"").skip(1) {
            let path = piece.split('"').next().unwrap_or_default();
            if path.starts_with("/assets/") || path.starts_with("/examples/") {
                named += 1;
                assert!(asset(path).is_some(), "{path}");
            }
        }
        assert!(named > 6, "style sheet, icon and the examples");
    }

    #[test]
    fn every_anchor_the_page_links_to_exists_and_no_id_is_used_twice() {
        let page = page();
        let ids: Vec<&str> =
            page.split(" id=\"").skip(1).filter_map(|piece| piece.split('"').next()).collect();
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{id} twice");
        }
        for target in page.split("href=\"#").skip(1).filter_map(|piece| piece.split('"').next()) {
            assert!(ids.contains(&target), "#{target}");
        }
    }

    #[test]
    fn headings_never_skip_a_level() {
        let mut deepest = 0;
        let page = page();
        for piece in page.split("<h").skip(1) {
            let Some(level) = piece.chars().next().and_then(|c| c.to_digit(10)) else { continue };
            assert!(level <= deepest + 1, "<h{piece:.40}");
            deepest = level;
        }
        assert_eq!(page.matches("<h1").count(), 1);
    }

    #[test]
    fn every_text_the_page_asks_for_is_written() {
        let t = Texts::english();
        let templates = [include_str!("page.html"), include_str!("../layout/base.html")];
        let in_templates = templates.into_iter().flat_map(|template| {
            [".get(\"", ".with(\"", ".prose(\"", ".prose_with(\""].into_iter().flat_map(move |call| {
                template.split(call).skip(1).filter_map(|piece| piece.split('"').next())
            })
        });
        let in_headings =
            templates[0].split("call heading(").skip(1).filter_map(|piece| piece.split('"').nth(3));
        let types = service_types();
        let in_tables = ACTIONS
            .iter()
            .flat_map(Action::keys)
            .chain(types.iter().flat_map(ServiceTypeEntry::keys))
            .chain(WORDS.iter().flat_map(WordGroup::keys))
            .chain(ERRORS.iter().flat_map(ErrorGroup::keys))
            .chain(SAMPLES.iter().map(|sample| sample.needs));
        for key in in_templates.chain(in_headings).chain(in_tables) {
            assert_ne!(t.get(key), key, "no text for {key}");
        }
    }

    #[test]
    fn every_text_that_is_written_is_asked_for() {
        let sources = [
            include_str!("page.html"),
            include_str!("../layout/base.html"),
            include_str!("mod.rs"),
            include_str!("actions.rs"),
            include_str!("service_types.rs"),
            include_str!("words.rs"),
            include_str!("errors.rs"),
            include_str!("samples.rs"),
        ];
        let written = include_str!("../../locales/en.ftl").lines().filter_map(|line| line.split_once(" ="));
        for (key, _) in written.filter(|(key, _)| !key.starts_with([' ', '#'])) {
            let quoted = format!("\"{key}\"");
            assert!(sources.iter().any(|source| source.contains(&quoted)), "nothing shows {key}");
        }
    }
}
