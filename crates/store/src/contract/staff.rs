//! Operators come back as they went, and what holds among them holds across batches and starts.

use panelworks_core::command::Command;
use panelworks_core::customer::KeyHash;
use panelworks_core::ids::OperatorId;
use panelworks_core::operator::{NewOperator, Operator, OperatorStanding, Role, Username};
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::testing::password_hash;
use panelworks_core::time::Span;
use panelworks_core::world::Key;

use super::{Panel, Subject};

pub fn open_operator(name: &str, role: Option<Role>, admin_key: Option<KeyHash>) -> Command {
    let username = Username::parse(name).expect("a username");
    let password = password_hash(name);
    Command::OpenOperator(Box::new(NewOperator { username, password, role, admin_key }))
}

fn staff<S: Subject>(panel: &mut Panel<'_, S>) -> Vec<Operator> {
    let world = panel.load(Key::Staff);
    world.staff().expect("loaded").iter().cloned().collect()
}

fn opened<S: Subject>(panel: &mut Panel<'_, S>, command: Command) -> OperatorId {
    match panel.ok(command) {
        Done::OperatorOpened { operator, .. } => operator,
        other => panic!("not opened: {other:?}"),
    }
}

pub fn operators_survive_with_every_change<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    assert_eq!(staff(&mut panel), []);
    let (first, second) = (KeyHash([1; 32]), KeyHash([2; 32]));
    let began = panel.now;
    let anna = opened(&mut panel, open_operator("anna", None, Some(first)));
    let ben = opened(&mut panel, open_operator("ben.2_b-b", None, None));
    panel.wait(Span::seconds(1));
    let password = password_hash("another");
    panel.ok(Command::SetOperatorPassword { operator: ben, password: password.clone() });
    let changed = panel.now;
    panel.wait(Span::seconds(1));
    panel.ok(Command::SetOperatorStanding { operator: ben, standing: OperatorStanding::Suspended });
    let suspended = panel.now;
    panel.ok(Command::SetOperatorKey { operator: anna, key: Some(second) });
    let expected = [
        Operator {
            id: anna,
            username: Username::parse("anna").expect("a username"),
            password: password_hash("anna"),
            admin_key: Some(second),
            role: Role::Owner,
            standing: OperatorStanding::Active,
            opened_at: began,
            password_changed_at: began,
            sessions_since: began,
        },
        Operator {
            id: ben,
            username: Username::parse("ben.2_b-b").expect("a username"),
            password,
            admin_key: None,
            role: Role::Staff,
            standing: OperatorStanding::Suspended,
            opened_at: began,
            password_changed_at: changed,
            sessions_since: suspended,
        },
    ];
    assert_eq!(staff(&mut panel), expected);
    panel.reopen();
    assert_eq!(staff(&mut panel), expected);
    panel.ok(Command::SetOperatorKey { operator: anna, key: None });
    panel.reopen();
    assert_eq!(staff(&mut panel)[0].admin_key, None);
}

pub fn a_username_is_given_once_within_a_batch_and_after_a_start<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let replies = panel.batch(&[open_operator("anna", None, None), open_operator("Anna", None, None)]);
    assert!(matches!(replies[0], Ok(Ok(Done::OperatorOpened { role: Role::Owner, .. }))), "{replies:?}");
    assert_eq!(replies[1], Ok(Err(Refusal::UsernameTaken)), "within the batch");
    panel.reopen();
    assert_eq!(panel.refused(open_operator("anna", None, None)), Refusal::UsernameTaken);
    let ben = opened(&mut panel, open_operator("ben", None, None));
    assert_eq!(ben, OperatorId(2), "a refusal drew no number");
}

pub fn an_active_owner_remains_after_a_start<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let anna = opened(&mut panel, open_operator("anna", None, None));
    let ben = opened(&mut panel, open_operator("ben", Some(Role::Owner), None));
    panel.reopen();
    let suspend = |operator| Command::SetOperatorStanding { operator, standing: OperatorStanding::Suspended };
    let replies = panel.batch(&[suspend(anna), suspend(ben)]);
    assert_eq!(replies, [Ok(Ok(Done::Noted)), Ok(Err(Refusal::NoOwnerLeft))]);
    panel.reopen();
    assert_eq!(panel.refused(suspend(ben)), Refusal::NoOwnerLeft);
}
