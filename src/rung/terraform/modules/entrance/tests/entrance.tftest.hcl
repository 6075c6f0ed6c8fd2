mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

# The certificate of a mock is of another region, which CloudFront's module refuses.
override_module {
  target  = module.certificate
  outputs = { arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000", zone_id = "Z0000000000000000000", domain = "shop.example.com" }
}

variables {
  name               = "shop-prod-distribution"
  domain             = "shop.example.com"
  zone               = "example.com"
  logs_bucket_domain = "shop-prod-logs.s3.amazonaws.com"
  forwards           = [{ path = "/*", target = "web" }]
  sites              = { web = { bucket_domain = "shop-prod-web.s3.eu-central-1.amazonaws.com" } }
  firewall           = { name = "shop-prod-firewall" }
  uptime             = { name = "shop-prod-uptime", account_id = "123456789012", runbook_url = "https://example.com/runbooks/site-unreachable.md", emails = ["oncall@example.com"] }
}

run "a_firewall_stands_before_it" {
  command = plan

  assert {
    condition     = length(module.firewall) == 1 && length(module.uptime) == 1 && output.url == "https://shop.example.com"
    error_message = "one door with a name and a firewall, and somebody who asks whether it is open"
  }
}

run "a_door_without_a_firewall" {
  command = plan

  variables {
    firewall = null
    uptime   = null
  }

  assert {
    condition     = length(module.firewall) + length(module.uptime) == 0
    error_message = "none that nobody asked for"
  }
}
