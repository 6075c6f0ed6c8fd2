# A site behind CloudFront, with a name of its own and a firewall.
provider "aws" {
  region = "eu-central-1"
}

provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"
}

module "entrance" {
  source    = "../.."
  providers = { aws = aws.us_east_1 }

  name               = "shop-prod-distribution"
  domain             = "shop.example.com"
  zone               = "example.com"
  logs_bucket_domain = "shop-prod-logs.s3.amazonaws.com"
  forwards           = [{ path = "/*", target = "web" }]
  sites              = { web = { bucket_domain = "shop-prod-web.s3.eu-central-1.amazonaws.com" } }
  firewall           = { name = "shop-prod-firewall" }
}
