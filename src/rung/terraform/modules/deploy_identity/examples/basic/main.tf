# What the repository's workflows may do with production.
provider "aws" {
  region = "eu-central-1"
}

module "deploy" {
  source = "../.."

  name             = "shop-prod-deploy"
  account_id       = "123456789012"
  region           = "eu-central-1"
  repository       = "example/shop"
  owner_id         = "4242"
  repository_id    = "424242"
  environment      = "prod"
  role_prefix      = "shop-prod-"
  state_bucket_arn = "arn:aws:s3:::shop-states-123456789012"
  state_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  state_object     = "shop/prod/terraform.tfstate"
}
