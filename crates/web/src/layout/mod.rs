//! What all pages share: the frame around a page (`base.html`), its texts and its static files.
//!
//! A page is a template that extends `layout/base.html` and has a field `frame`; its words come from [`Texts`] by
//! key, never from the template. In come a page's title and description, out goes a complete HTML document with no
//! inline script and no inline style, so that the strictest content security policy holds ([`CONTENT_SECURITY_POLICY`]).
//! It knows no page and no route.

mod files;
mod texts;

pub use files::{Cache, StaticFile, file};
pub use texts::Texts;
pub(crate) use texts::escape;

/// What the pages need and nothing more: own style sheets and pictures; no script, no frame, no form to elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What `base.html` says around a page.
#[derive(Debug)]
pub struct Frame {
    pub texts: Texts,
    /// The words of the browser's tab.
    pub title: String,
    /// One sentence for search engines and link previews.
    pub description: String,
    /// The installation's name, in the header.
    pub panel_name: String,
}

impl Frame {
    /// The style sheet's address; it changes with the content, so that it may be cached for ever.
    pub fn stylesheet(&self) -> String {
        files::stylesheet_path()
    }

    /// The program's version, in the footer.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}
