# The states of all environments of a shop.
provider "aws" {
  region = "eu-central-1"
}

module "state" {
  source = "../.."

  name       = "shop-states"
  account_id = "123456789012"
}
