# Secrets of one environment or one database, each a secret of its own: who reads one cannot read another.

locals {
  # Secrets Manager adds a hyphen and six characters, and would mistake a name that ends so for a complete one.
  names = {
    for key in keys(var.secrets) : key => "${var.name}-${key}${can(regex("-[A-Za-z0-9]{6}$", "${var.name}-${key}")) ? "-value" : ""}"
  }
}

module "secret" {
  source   = "../secret"
  for_each = var.secrets

  name               = local.names[each.key]
  key_arn            = var.key_arn
  generated          = each.value.generated || each.value.username != null
  generated_username = each.value.username
  rotation           = each.value.rotate_days == null ? "nobody" : "person"
  rotate_days        = each.value.rotate_days
  topic_arn          = each.value.rotate_days == null ? null : var.topic_arn
  topic_key_arn      = each.value.rotate_days == null ? null : var.topic_key_arn
}
