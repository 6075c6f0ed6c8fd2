# A folder of a file system that another team owns.
provider "aws" {
  region = "eu-central-1"
}

module "media" {
  source = "../.."

  name              = "shop-prod-media"
  file_system_id    = "fs-0a1b2c3d4e5f60718"
  region            = "eu-central-1"
  account_id        = "123456789012"
  security_group_id = "sg-0a1b2c3d4e5f60718"
}
