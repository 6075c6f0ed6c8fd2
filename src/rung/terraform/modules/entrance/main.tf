# The public door: CloudFront with the certificate of its name and the firewall before it. All of it is told to
# us-east-1, where CloudFront's certificates and firewalls are: pass the provider of that region.

module "certificate" {
  source = "../certificate"

  name   = "${var.name}-certificate"
  domain = var.domain
  zone   = var.zone
}

module "firewall" {
  source = "../firewall"
  count  = var.firewall == null ? 0 : 1

  name                      = var.firewall.name
  managed_groups            = var.firewall.managed_groups
  requests_per_five_minutes = var.firewall.requests_per_five_minutes
  blocked_countries         = var.firewall.blocked_countries
}

module "distribution" {
  source = "../distribution"

  name               = var.name
  logs_bucket_domain = var.logs_bucket_domain
  forwards           = var.forwards
  load_balancer      = var.load_balancer
  sites              = var.sites
  domain             = var.domain
  certificate_arn    = module.certificate.arn
  zone_id            = module.certificate.zone_id
  firewall_arn       = one(module.firewall[*].arn)
  origin_seconds     = var.origin_seconds
}

module "uptime" {
  source = "../uptime_check"
  count  = var.uptime == null ? 0 : 1

  name        = var.uptime.name
  domain      = var.domain
  account_id  = var.uptime.account_id
  runbook_url = var.uptime.runbook_url
  path        = var.uptime.path
  emails      = var.uptime.emails
  phones      = var.uptime.phones
  slack       = var.uptime.slack
}
