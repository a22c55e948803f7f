//! `services` → bytes (`api-v2.md` §3), row by row, so that a catalogue needn't be copied to be encoded.

use super::{ServiceExtras, ServiceRow};
use crate::json::Writer;

/// Bytes of a row with a name and category of usual length.
const ROW_BYTES: usize = 256;

/// The whole array, in the order of `rows`.
pub fn encode_services<'a>(rows: impl Iterator<Item = &'a ServiceRow>) -> Vec<u8> {
    let mut out = Writer::with_capacity(16 + rows.size_hint().0.saturating_mul(ROW_BYTES));
    out.open(b'[');
    for row in rows {
        service(out.item(), row);
    }
    out.close(b']');
    out.finish()
}

fn service(out: &mut Writer, row: &ServiceRow) {
    out.open(b'{');
    out.key("service").raw(format_args!("{}", row.service));
    out.key("name").string(&row.name);
    out.key("type").string(row.service_type.exact());
    out.key("category").string(&row.category);
    out.key("rate").string(&row.rate);
    out.key("min").raw(format_args!("\"{}\"", row.min));
    out.key("max").raw(format_args!("\"{}\"", row.max));
    out.key("dripfeed").boolean(row.dripfeed);
    out.key("refill").boolean(row.refill);
    out.key("cancel").boolean(row.cancel);
    if let Some(extras) = &row.extras {
        on_request(out, extras);
    }
    out.close(b'}');
}

fn on_request(out: &mut Writer, extras: &ServiceExtras) {
    if let Some(description) = &extras.description {
        out.key("desc").string(description);
        out.key("description").string(description);
    }
    translations(out, &["name_lang"], &extras.name_lang);
    translations(out, &["cat_lang", "category_lang"], &extras.category_lang);
    translations(out, &["desc_lang", "description_lang"], &extras.description_lang);
}

fn translations(out: &mut Writer, names: &[&str], texts: &[(String, String)]) {
    if texts.is_empty() {
        return;
    }
    for name in names {
        out.key(name).open(b'{');
        for (language, text) in texts {
            out.key(language).string(text);
        }
        out.close(b'}');
    }
}
