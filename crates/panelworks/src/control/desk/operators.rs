//! Operators: open, list, new passwords and keys, suspend. Passwords are hashed here, off the threads that serve.

use panelworks_core::command::Command;
use panelworks_core::operator::{NewOperator, Operator, OperatorStanding, PasswordHash, Role, Username};
use panelworks_core::outcome::Done;
use panelworks_store::ports::Views;
use panelworks_web::key_hash;
use panelworks_web::password::Passphrase;

use super::super::answer::Answer;
use super::super::operator_rows::{NewAdminKey, NewPassword, OperatorAdded, OperatorRow, standing_word};
use super::super::request::Refused;
use super::{Desk, unexpected};
use crate::secrets::{new_api_key, new_passphrase};

impl Desk {
    pub(super) async fn add_operator(
        &self,
        username: Username,
        role: Option<Role>,
        password: Option<Passphrase>,
    ) -> Result<Answer, Refused> {
        let (hash, made) = self.password(&username, password).await?;
        let new = NewOperator { username: username.clone(), password: hash, role, admin_key: None };
        match self.decide(Command::OpenOperator(Box::new(new))).await? {
            Done::OperatorOpened { operator, role } => {
                Ok(Answer::OperatorAdded(OperatorAdded { operator, username, role, password: made }))
            }
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn list_operators(&self) -> Result<Answer, Refused> {
        let operators = self.read(Views::operators).await?;
        Ok(Answer::Operators(operators.iter().map(OperatorRow::from).collect()))
    }

    pub(super) async fn reset_password(
        &self,
        username: Username,
        password: Option<Passphrase>,
    ) -> Result<Answer, Refused> {
        let operator = self.operator(&username).await?.id;
        let (hash, made) = self.password(&username, password).await?;
        self.decide(Command::SetOperatorPassword { operator, password: hash }).await?;
        Ok(Answer::Password(NewPassword { username, password: made }))
    }

    pub(super) async fn set_operator_standing(
        &self,
        username: Username,
        standing: OperatorStanding,
    ) -> Result<Answer, Refused> {
        let operator = self.operator(&username).await?.id;
        self.decide(Command::SetOperatorStanding { operator, standing }).await?;
        Ok(Answer::Done { what: format!("Operator {username} is {} now.", standing_word(standing)) })
    }

    pub(super) async fn rotate_operator_key(
        &self,
        username: Username,
        revoke: bool,
    ) -> Result<Answer, Refused> {
        let operator = self.operator(&username).await?.id;
        let key = if revoke { None } else { Some(new_api_key().map_err(Refused::by)?) };
        let hash = key.as_ref().map(|key| key_hash(key.expose()));
        self.decide(Command::SetOperatorKey { operator, key: hash }).await?;
        let admin_api_key = key.map(|key| key.expose().to_owned());
        Ok(Answer::AdminKey(NewAdminKey { username, admin_api_key }))
    }

    /// Hashes what was chosen, if it may be chosen; or makes one, and gives it too.
    async fn password(
        &self,
        username: &Username,
        chosen: Option<Passphrase>,
    ) -> Result<(PasswordHash, Option<String>), Refused> {
        let (passphrase, made) = if let Some(chosen) = chosen {
            (chosen, None)
        } else {
            let made = new_passphrase().map_err(Refused::by)?;
            (Passphrase::new(made.expose()), Some(made.expose().to_owned()))
        };
        let names = [username.as_str(), &self.config.panel_name];
        let chosen = passphrase.choose(&names).map_err(Refused::by)?;
        Ok((self.passwords.hash(chosen).await.map_err(Refused::by)?, made))
    }

    async fn operator(&self, username: &Username) -> Result<Operator, Refused> {
        let name = username.clone();
        let found = self.read(move |views| views.operator(&name)).await?;
        found.ok_or_else(|| {
            Refused(format!("there is no operator {username}; panelworks operator list shows who there is"))
        })
    }
}
