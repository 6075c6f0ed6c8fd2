# load-balancer: spreads requests over tasks, reached by CloudFront alone
module "load_balancer" {
  source      = "../modules/load_balancer"
  name        = "shop-prod-load-balancer"
  vpc_id      = module.network.vpc_id
  subnet_ids  = module.network.private_subnet_ids
  logs_bucket = module.logs.name
  certificate = { domain = "shop.example.com", zone = "example.com" }
  targets     = { api = { port = 8000 } }
  forwards    = [{ path = "/api/*", target = "api" }]
  internal    = true
}

# web is the folder web, uploaded by the pipeline: static files, read by CloudFront (workload.py:34)
module "web" {
  source           = "../modules/site"
  name             = "shop-prod-web"
  account_id       = local.account_id
  distribution_arn = module.distribution.arn
  logs_bucket      = module.logs.name
}

# distribution: the one public door
module "distribution" {
  source             = "../modules/entrance"
  providers          = { aws = aws.us_east_1 }
  name               = "shop-prod-distribution"
  domain             = "shop.example.com"
  zone               = "example.com"
  logs_bucket_domain = module.logs.domain_name
  forwards           = [{ path = "/api/*", target = "api" }, { path = "/*", target = "web" }]
  load_balancer      = { arn = module.load_balancer.arn, dns_name = module.load_balancer.dns_name, https = true }
  sites              = { web = { bucket_domain = module.web.regional_domain_name, spa = true } }
  firewall           = { name = "shop-prod-firewall" }
  uptime = {
    name        = "shop-prod-uptime"
    account_id  = local.account_id
    runbook_url = "${local.runbooks_url}/site-unreachable.md"
    emails      = ["oncall@example.com"]
  }
}
