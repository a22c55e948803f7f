//! The demo's operator: an owner in the books like any other, with the password and the admin key of `demo.json`.
//!
//! In: what the demo promises to scripts. Out: books that keep it, at every start: somebody may have tried
//! `panelworks operator reset-password` meanwhile. Never: a password in clear in the books.

use panelworks_core::command::Command;
use panelworks_core::operator::{NewOperator, Operator, OperatorStanding, PasswordHash, Role, Username};
use panelworks_web::key_hash;
use panelworks_web::password::Passphrase;

use super::kept;
use crate::control::desk::Desk;
use crate::control::request::Refused;

/// Opens the operator, or gives back what was taken from it.
pub(super) async fn let_in(desk: &Desk, promised: &kept::Operator) -> Result<(), Refused> {
    let username = Username::parse(&promised.username).map_err(Refused::by)?;
    let name = username.clone();
    if let Some(known) = desk.read(move |views| views.operator(&name)).await? {
        return restore(desk, promised, known).await;
    }
    let password = hash(desk, promised).await?;
    let admin_key = Some(key_hash(&promised.admin_api_key));
    let new = NewOperator { username, password, role: Some(Role::Owner), admin_key };
    desk.decide(Command::OpenOperator(Box::new(new))).await?;
    Ok(())
}

async fn restore(desk: &Desk, promised: &kept::Operator, known: Operator) -> Result<(), Refused> {
    let operator = known.id;
    let entered = Passphrase::new(&promised.password);
    if !desk.passwords().verify(entered, Some(known.password)).await.map_err(Refused::by)? {
        let password = hash(desk, promised).await?;
        desk.decide(Command::SetOperatorPassword { operator, password }).await?;
    }
    let key = Some(key_hash(&promised.admin_api_key));
    if known.admin_key != key {
        desk.decide(Command::SetOperatorKey { operator, key }).await?;
    }
    if known.standing != OperatorStanding::Active {
        let standing = OperatorStanding::Active;
        desk.decide(Command::SetOperatorStanding { operator, standing }).await?;
    }
    Ok(())
}

async fn hash(desk: &Desk, promised: &kept::Operator) -> Result<PasswordHash, Refused> {
    let chosen = Passphrase::new(&promised.password).choose(&[]).map_err(Refused::by)?;
    desk.passwords().hash(chosen).await.map_err(Refused::by)
}

#[cfg(test)]
mod tests {
    use panelworks_store::ports::Views;

    use super::*;
    use crate::books::Opening;
    use crate::config::Config;
    use crate::panel::Core;
    use crate::testing::Folder;

    fn promised() -> kept::Operator {
        kept::Operator {
            username: "operator".to_owned(),
            password: "0123456789abcdef0123456789abcdef".to_owned(),
            admin_api_key: "fedcba9876543210fedcba9876543210".to_owned(),
        }
    }

    async fn stored(desk: &Desk) -> Vec<Operator> {
        desk.read(Views::operators).await.expect("read")
    }

    #[tokio::test]
    async fn what_the_ready_file_says_opens_the_door_at_every_start() {
        let folder = Folder::new();
        let config = Config { data_dir: folder.root().to_owned(), ..Config::default() };
        let core = Core::open(&config, Opening::default()).await.expect("opens");
        let desk = &core.desk;
        let promised = promised();
        let_in(desk, &promised).await.expect("opened");
        let first = stored(desk).await;
        let [operator] = &first[..] else { panic!("{first:?}") };
        assert_eq!(
            (operator.role, operator.admin_key),
            (Role::Owner, Some(key_hash(&promised.admin_api_key)))
        );
        let opens = async |hash: &PasswordHash| {
            let entered = Passphrase::new(&promised.password);
            desk.passwords().verify(entered, Some(hash.clone())).await.expect("verified")
        };
        assert!(opens(&operator.password).await);

        let_in(desk, &promised).await.expect("again");
        assert_eq!(stored(desk).await, first, "what is right is left alone");

        let other = Passphrase::new("eleven blue horses").choose(&[]).expect("may be chosen");
        let password = desk.passwords().hash(other).await.expect("hashed");
        let id = operator.id;
        desk.decide(Command::SetOperatorPassword { operator: id, password }).await.expect("set");
        desk.decide(Command::SetOperatorKey { operator: id, key: None }).await.expect("set");
        let_in(desk, &promised).await.expect("restored");
        let now = stored(desk).await;
        assert!(opens(&now[0].password).await);
        assert_eq!(now[0].admin_key, first[0].admin_key);
        core.close().await.expect("closes");
    }
}
