# Who may talk to whom, and who may do what: two tables about the same parties.

module "reach" {
  source = "../reach"

  name         = var.name
  parties      = var.parties
  allowed      = var.allowed
  groups       = var.groups
  prefix_lists = var.prefix_lists
  addresses    = var.addresses
}

module "access" {
  source = "../access"

  name       = var.name
  parties    = var.parties
  statements = var.statements
}
