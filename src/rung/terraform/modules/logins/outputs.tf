output "arns" {
  description = "ARNs of the logins' secrets, by the key in logins: what a reader is allowed, and given as credentials_secret."
  value       = module.secrets.arns
}

output "names" {
  description = "Names of the logins' secrets, by the key in logins."
  value       = module.secrets.names
}

output "setup" {
  description = "What the job that migrates is told (RUNG_DATABASE_SETUP): address, the owner's secret, and the roles that it makes."
  value = {
    url                = var.database.url
    credentials_secret = var.database.master_secret_arn
    roles              = [for key, login in var.logins : { secret = module.secrets.arns[key], rows = login.rows, queue = login.queue }]
  }
}
