# A certificate for CloudFront.
provider "aws" {
  region = "us-east-1"
}

module "certificate" {
  source = "../.."

  name   = "shop-prod"
  domain = "shop.example.com"
  zone   = "example.com"
}
