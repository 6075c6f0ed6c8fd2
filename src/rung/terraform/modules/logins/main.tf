# Who reaches a database does so as a role of its own. Passwords are generated at apply, and stand in no state.
module "secrets" {
  source = "../secrets"

  name    = var.name
  key_arn = var.key_arn
  secrets = { for key, login in var.logins : key => { username = login.username } }
}
