# Two keys of the production environment of a shop.
provider "aws" {
  region = "eu-central-1"
}

module "keys" {
  source = "../.."

  name       = "shop-prod-keys"
  account_id = "123456789012"
  region     = "eu-central-1"
}
