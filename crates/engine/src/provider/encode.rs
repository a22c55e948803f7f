//! An attempt as the call that places it (`api-v2.md` §4; §10, 20-23).

use panelworks_core::order::attempt::Outgoing;
use panelworks_core::order::{Lines, OrderKind, PostsAsked, Traffic, TrafficSource};
use panelworks_wire::ask::{ClientAdd, ClientCall};

/// The parameters of one `add`, in the table's order.
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    #[expect(clippy::needless_pass_by_value, reason = "numbers and borrowed texts alike")]
    fn put(&mut self, name: &'static str, value: impl ToString) {
        self.0.push((name, value.to_string()));
    }

    fn lines(&mut self, name: &'static str, lines: &Lines) {
        self.0.push((name, lines.join("\n")));
    }
}

/// `token` names the attempt for providers that honour an idempotency key; others ignore it.
pub fn add(outgoing: &Outgoing, token: &str) -> ClientCall {
    let mut fields = Fields(Vec::with_capacity(6));
    if let Some(link) = &outgoing.link {
        fields.put("link", link);
    }
    // Also where the quantity follows from a list: some panels demand it even so (§10, 22).
    if !matches!(outgoing.kind, OrderKind::Subscriptions(_)) {
        fields.put("quantity", outgoing.quantity);
    }
    kind(&mut fields, &outgoing.kind);
    ClientCall::Add(ClientAdd {
        service: outgoing.service.clone(),
        fields: fields.0,
        idempotency_key: Some(token.to_owned()),
    })
}

fn kind(fields: &mut Fields, kind: &OrderKind) {
    match kind {
        OrderKind::Default | OrderKind::Package => {}
        OrderKind::Seo { keywords } => fields.lines("keywords", keywords),
        OrderKind::CustomComments { comments } | OrderKind::CustomCommentsPackage { comments } => {
            fields.lines("comments", comments);
        }
        OrderKind::MentionsWithHashtags { usernames, hashtags } => {
            fields.lines("usernames", usernames);
            fields.lines("hashtags", hashtags);
        }
        OrderKind::MentionsCustomList { usernames } => fields.lines("usernames", usernames),
        OrderKind::MentionsHashtag { hashtag } => fields.put("hashtag", hashtag),
        OrderKind::MentionsUserFollowers { username } | OrderKind::CommentLikes { username } => {
            fields.put("username", username);
        }
        OrderKind::MentionsMediaLikers { media } => fields.put("media", media),
        OrderKind::Mentions { usernames, hashtags } => {
            fields.lines("usernames", usernames);
            if let Some(hashtags) = hashtags {
                fields.lines("hashtags", hashtags);
            }
        }
        OrderKind::Poll { answer_number } => fields.put("answer_number", answer_number),
        OrderKind::CommentReplies { comments, username } => {
            fields.lines("comments", comments);
            if let Some(username) = username {
                fields.put("username", username);
            }
        }
        OrderKind::InvitesFromGroups { groups } => fields.lines("groups", groups),
        OrderKind::Subscriptions(asked) => subscription(fields, asked),
        OrderKind::WebTraffic(asked) => traffic(fields, asked),
    }
}

/// `posts` is left out when unlimited (§10, 21).
fn subscription(fields: &mut Fields, asked: &PostsAsked) {
    fields.put("username", &asked.username);
    fields.put("min", asked.min);
    fields.put("max", asked.max);
    if let Some(posts) = asked.posts {
        fields.put("posts", posts);
    }
    if let Some(old_posts) = asked.old_posts {
        fields.put("old_posts", old_posts);
    }
    fields.put("delay", asked.delay_min);
    if let Some(expiry) = asked.expiry {
        fields.put("expiry", expiry.day_month_year());
    }
}

fn traffic(fields: &mut Fields, asked: &Traffic) {
    fields.put("country", &asked.country);
    fields.put("device", asked.device);
    match &asked.source {
        TrafficSource::Google { keyword } => {
            fields.put("type_of_traffic", 1);
            fields.put("google_keyword", keyword);
        }
        TrafficSource::Referrer { url } => {
            fields.put("type_of_traffic", 2);
            fields.put("referring_url", url);
        }
        TrafficSource::Blank => fields.put("type_of_traffic", 3),
    }
}
